"""Templates: found, rendered in a sandbox, and every mistake told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from simkernel.errors import ScenarioError, UsageError
from simkernel.scenario.render import (
    Template,
    find,
    installed,
    load,
    parse,
    render,
    scenario_folder,
)

BODY = "kernel: {release: 6.12.0}\n"


@pytest.fixture
def template(tmp_path: Path):
    """Write a template and return it."""

    def write(body: str, header: str = "description: A test.") -> Template:
        path = tmp_path / "test.yaml.j2"
        path.write_text(f"{header}\n---\n{body}")
        return find(str(path))

    return write


def problems_of(template: Template, **settings: str) -> list[str]:
    """Return what is wrong with a template's body."""
    with pytest.raises(ScenarioError) as caught:
        render(template, settings)
    return caught.value.problems


def test_defaults_and_settings_reach_the_template(template) -> None:
    """A parameter has its default until it is set; numbers and truth are no texts."""
    header = "description: d\nparameters:\n  n: {default: 2}\n  on: {default: false}"
    body = "{{ n + 1 }} {{ 'yes' if on else 'no' }}"

    assert render(template(body, header), {}) == "3 no"
    assert render(template(body, header), {"n": "4", "on": "true"}) == "5 yes"


@pytest.mark.parametrize("value", ["007", "1e3", "0x1", "-1", "\u0661"])
def test_settings_that_are_no_plain_numbers_stay_texts(template, value: str) -> None:
    """An id like 0000 or 1e30 is not spoilt."""
    header = "description: d\nparameters:\n  id: {default: x}"

    assert render(template("{{ id }}", header), {"id": value}) == value


def test_unknown_parameter_is_refused_with_a_suggestion() -> None:
    """The error names a close parameter, the hint the command that lists them."""
    with pytest.raises(UsageError) as caught:
        load("mlx5_vfio_pci", {"vsf": "2"})

    assert str(caught.value) == (
        "scenario mlx5_vfio_pci has no parameter 'vsf'; did you mean vfs?\n"
        "hint: run `simkernel show --yaml mlx5_vfio_pci` to list them"
    )


def test_hint_about_parameters_names_the_file_of_a_template(template) -> None:
    """The command of the hint works for a scenario of one's own."""
    own = template("", "description: d")

    with pytest.raises(UsageError) as caught:
        render(own, {"vfs": "2"})

    assert f"`simkernel show --yaml {own.path}`" in caught.value.hint


def test_unknown_scenario_is_refused_with_a_suggestion() -> None:
    """The error names a close scenario, and does not list all of them."""
    with pytest.raises(UsageError) as caught:
        find("mlx5_vfio_pc")

    assert str(caught.value) == (
        "unknown scenario 'mlx5_vfio_pc'; did you mean mlx5_vfio_pci?\n"
        "hint: run `simkernel list` to list the scenarios"
    )


@pytest.mark.parametrize(
    ("name", "reason"), [("", "Is a directory"), ("none.yaml.j2", "No such file")]
)
def test_unreadable_path_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    """The error names the path and the reason of the system."""
    with pytest.raises(UsageError, match=f"cannot read scenario .*{reason}"):
        find(f"{tmp_path}/{name}")


def test_template_can_stand_anywhere_and_use_the_macros(template) -> None:
    """A file of one's own imports the macros that come with simkernel."""
    body = (
        '{% import "_macros/vfio.yaml.j2" as vfio %}\n'
        f"{BODY}modules:\n{{{{ vfio.stock() }}}}"
    )

    names = [one.name for one in parse(render(template(body), {})).modules]

    assert "vfio_pci" in names


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("a\n{% if %}\n", "line 4: Expected an expression"),
        ("a\nb\n{{ nothing }}\n", "line 5: 'nothing' is undefined"),
        ("{{ 1 // 0 }}", "line 3: ZeroDivisionError: "),
        ("{{ {}.popitem() }}", "line 3: KeyError: "),
        ("{{ [].pop() }}", "line 3: "),
        ("{{ '{0.x}'.format(1) }}", "line 3: "),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "line 3: RecursionError"),
        ("{% include 'none' %}", "line 3: 'none' not found in search path"),
    ],
)
def test_template_error_names_its_line(template, body: str, problem: str) -> None:
    """The line is that of the file; a mistake never becomes a traceback."""
    (told,) = problems_of(template(body))

    assert f"template, {problem}" in told


def test_macro_error_names_its_file(template, tmp_path: Path) -> None:
    """The error names the imported file and its line."""
    (tmp_path / "my.yaml.j2").write_text("\n{% macro m() %}\n{{ no }}\n{% endmacro %}")

    (told,) = problems_of(template('{% import "my.yaml.j2" as my %}{{ my.m() }}'))

    assert f"{tmp_path}/my.yaml.j2, line 3: 'no' is undefined" in told


@pytest.mark.parametrize(
    "body",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ ().__class__.__base__.__subclasses__() }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ self._TemplateReference__context }}",
        "{% include '/etc/passwd' %}",
        "{% include '../../../../../../../../etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ range(1000000000) | list }}",
    ],
)
def test_template_cannot_leave_its_sandbox(template, body: str) -> None:
    """No way to Python's insides, to other files, or to all the memory."""
    assert len(problems_of(template(body))) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("description: d\n", "no line --- between the header and the scenario"),
        ("---\n", "no line --- between the header and the scenario"),
        ("description: [\n---\n", "invalid YAML"),
        ("- a\n---\n", "document: must be a mapping"),
        ("parameters: {}\n---\n", "description: missing key"),
        ("description: d\ncolour: red\n---\n", "colour: unknown key"),
        ("description: d\nparameters: 5\n---\n", "parameters: must be a mapping"),
        ("description: d\nparameters: [a]\n---\n", "parameters: must be a mapping"),
        ("description: d\nparameters: {a: 1}\n---\n", "parameters.a: must be a mapp"),
        (
            "description: d\nparameters: {a: {}}\n---\n",
            "parameters.a.default: missing",
        ),
    ],
)
def test_invalid_header_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """The first document is checked like the second."""
    path = tmp_path / "test.yaml.j2"
    path.write_text(text)

    with pytest.raises(ScenarioError) as caught:
        find(str(path))

    assert caught.value.problems[0].startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BODY + "kernel: {release: 6.12.0}\n", "duplicate key 'kernel'"),
        (BODY + "loaded: [a\n", "invalid YAML"),
        (BODY + "---\n" + BODY, "invalid YAML"),
        ("\x01", "invalid YAML"),
        ("[" * 2000 + "]" * 2000, "invalid YAML"),
        ("&a [*a]", "invalid YAML"),
        ("!!python/object/apply:os.system ['true']", "must be a mapping"),
    ],
)
def test_invalid_yaml_is_refused(text: str, problem: str) -> None:
    """What is no YAML, or would silently lose a part, is an error."""
    with pytest.raises(ScenarioError) as caught:
        parse(text)

    assert problem in str(caught.value)


def test_scenarios_come_with_simkernel() -> None:
    """The installed scenarios are listed by name; what begins with ``_`` is none."""
    assert "mlx5_vfio_pci" in installed()
    assert [name for name in installed() if name.startswith("_")] == []
    assert (scenario_folder() / "_macros/vfio.yaml.j2").is_file()


@pytest.mark.parametrize("name", installed())
def test_every_installed_scenario_renders(name: str) -> None:
    """Each is valid with its defaults, and with each default given as a setting."""
    template = find(name)
    defaults = {key: one.default for key, one in template.parameters.items()}

    assert load(name) == load(name, defaults)
