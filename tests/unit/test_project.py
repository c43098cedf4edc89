"""The project itself: packaging, documents, and what they say of each other."""

from __future__ import annotations

import configparser
import importlib.metadata
import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
import yaml

from resolver.inspect.in_use.use import Rule
from simkernel.drawing.svg import svg
from simkernel.drawing.topology import topology
from simkernel.host.boot import boot_host
from simkernel.scenario.render import installed, load, scenario_folder

ROOT = Path(__file__).parents[2]
DOCUMENTS = (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "tests/README.md")
DEMO = "simkernel run mlx5_vfio_pci -- resolver bind 0000:3b:00.2"


def shell_lines(document: Path) -> list[str]:
    """Return the lines of all ``sh`` blocks of a document."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return "".join(blocks).splitlines()


@pytest.fixture
def scenario_reference() -> ModuleType:
    """Return the script that writes docs/scenario.md."""
    path = ROOT / "docs" / "make_scenario_reference.py"
    spec = importlib.util.spec_from_file_location("make_scenario_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_installed_package_has_every_scenario() -> None:
    """What stands in scenarios/ is found by the installed package, macros too."""
    shipped = {
        path.relative_to(scenario_folder()): path.read_bytes()
        for path in scenario_folder().rglob("*.j2")
    }

    kept = {
        path.relative_to(ROOT / "scenarios"): path.read_bytes()
        for path in (ROOT / "scenarios").rglob("*.j2")
    }
    assert kept == shipped
    assert "mlx5_vfio_pci" in installed()


def test_installed_package_is_typed() -> None:
    """Type checkers of other projects see the annotations."""
    for name in ("resolver", "simkernel"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        assert Path(spec.origin).with_name("py.typed").exists()


def test_distribution_gives_both_commands_and_the_plugin() -> None:
    """One distribution installs resolver and simkernel, and what pytest loads."""
    points = importlib.metadata.distribution("simkernel").entry_points

    assert {(one.group, one.name, one.value) for one in points} == {
        ("console_scripts", "resolver", "resolver.cli:main"),
        ("console_scripts", "simkernel", "simkernel.cli:main"),
        ("pytest11", "simkernel", "simkernel.pytest_plugin"),
    }


def test_readme_has_the_demo_in_one_line() -> None:
    """A newcomer needs one line, and it ends with the command shown below it."""
    lines = [one for one in shell_lines(ROOT / "README.md") if "mlx5_vfio_pci" in one]

    assert len(lines) == 1
    assert lines[0].startswith("python3 -m venv .venv && ")
    assert lines[0].endswith(f" && {DEMO}")
    assert f"```console\n$ {DEMO}\n" in (ROOT / "README.md").read_text("utf-8")


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """CI calls the line that the README gives, and no other."""
    lines = [one for one in shell_lines(ROOT / "README.md") if one.endswith(" && tox")]

    assert len(lines) == 1
    assert lines[0] in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


def environments() -> dict[str, str]:
    """Return the commands of each environment of tox."""
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    found = {}
    for name in tox.sections():
        folders = " ".join(tox[name].get("folders", "").split())
        commands = tox[name].get("commands", "")
        found[name] = commands.replace(f"{{[{name}]folders}}", folders)
    py, named = found["testenv"], [one for one in found if one.startswith("testenv:")]
    return {"py": py, **{one.removeprefix("testenv:"): found[one] for one in named}}


def environments_in_ci() -> set[str]:
    """Return the environments that the test command and .ci/run name."""
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    ci = (ROOT / ".ci/run").read_text("utf-8")
    return {
        *tox["tox"]["env_list"].split(", "),
        *re.findall(r"^tox ([\w-]+) \d+$", ci, re.MULTILINE),
    }


def test_ci_runs_every_environment() -> None:
    """All but those that search for hours, or change the checkout."""
    left_out = {"fix", "mutation", "soak"}

    assert environments().keys() - left_out == environments_in_ci()


def test_every_folder_of_tests_runs_in_ci() -> None:
    """All of it, or what is marked ``real`` in one environment, the rest in another."""
    parts: dict[str, set[str]] = {}
    for name in environments_in_ci():
        for line in environments()[name].splitlines():
            marker = re.search(r'-m "?((?:not )?real)', line)
            for folder in re.findall(r"\btests/\w+", line):
                parts.setdefault(folder, set()).add(marker[1] if marker else "all")
    found = {
        str(one.parent.relative_to(ROOT)) for one in ROOT.glob("tests/**/test_*.py")
    }

    for folder in {"/".join(one.split("/")[:2]) for one in found}:
        whole = parts.get(folder, set())
        assert "all" in whole or whole >= {"real", "not real"}, folder


def test_variables_that_force_tests_are_documented_and_set_in_ci() -> None:
    """No test can be skipped in CI for want of something."""
    forced = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(
            r"\bSIMKERNEL_FORCE_\w+", path.read_text(encoding="utf-8")
        )
    } - {"SIMKERNEL_FORCE_"}
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    readme = (ROOT / "tests" / "README.md").read_text("utf-8")

    assert forced == {name for name in forced if f"export {name}=1" in ci}
    assert forced == {name for name in forced if f"`{name}=1`" in readme}


@pytest.mark.parametrize(
    "path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)
def test_links_lead_somewhere(path: Path) -> None:
    """What a document links to in the repository is there."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8"))

    broken = [one for one in links if not (path.parent / one).exists()]
    assert not broken


@pytest.mark.parametrize(
    "path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)
def test_files_that_are_named_exist(path: Path) -> None:
    """A document names no file or folder that has moved."""
    roots = "resolver|simkernel|scenarios|tests|docs|examples|benchmarks"
    text = path.read_text("utf-8")
    named = re.findall(rf"`((?:{roots})/[\w./-]*(?:\.\w+|/))`", text)

    missing = [one for one in named if not (ROOT / one).exists()]
    assert not missing


def test_every_refusal_of_resolver_is_documented() -> None:
    """Each rule in the code is in docs/json.md, and explained in one of two pages."""
    code = "".join(one.read_text("utf-8") for one in (ROOT / "resolver").rglob("*.py"))
    rules = {*re.findall(r'\brule="([a-z-]+)"', code), *get_args(Rule)}
    docs = {one.name: one.read_text("utf-8") for one in ROOT.glob("docs/*.md")}
    explained = docs["binding.md"] + docs["persistence.md"]

    assert rules == {one for one in rules if f"`{one}`" in docs["json.md"]}
    assert rules == {one for one in rules if f"`{one}`" in explained}


def test_ci_files_are_valid_yaml() -> None:
    """The action, the jobs in examples/ci, and those in docs/developers.md parse."""
    files = [ROOT / "action.yml", *(ROOT / "examples/ci").glob("*.yml")]
    texts = [one.read_text("utf-8") for one in files]
    page = (ROOT / "docs" / "developers.md").read_text("utf-8")
    texts += re.findall(r"^```yaml.*?\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)

    assert len(texts) == 5
    assert all(isinstance(yaml.safe_load(one), dict) for one in texts)


def test_contributing_is_short() -> None:
    """Who reads it reads all of it."""
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()) < 120


def test_scenario_reference_is_current(scenario_reference: ModuleType) -> None:
    """docs/scenario.md is what the schema says.

    If not: ``python docs/make_scenario_reference.py``.
    """
    written = (ROOT / "docs" / "scenario.md").read_text("utf-8")

    assert scenario_reference.reference() == written


def _folders_of_the_design() -> set[str]:
    text = (ROOT / "docs" / "design.md").read_text("utf-8")
    tree = text.partition("## Folders\n\n```\n")[2].partition("```")[0]
    found: list[str] = []
    path: list[str] = []
    for line in tree.splitlines():
        name = line.split("/ ")[0]
        depth = (len(name) - len(name.lstrip())) // 2
        path = [*path[:depth], name.strip()]
        found.append("/".join(path))
    return set(found)


def test_design_has_every_folder() -> None:
    """The tree in docs/design.md has each folder of both packages, and no other."""
    folders = {
        str(path.relative_to(ROOT))
        for package in ("resolver", "simkernel")
        for path in (ROOT / package, *(ROOT / package).rglob("*"))
        if path.is_dir() and any(path.glob("*.[cpht]*")) and "__" not in path.name
    }

    shown = {one for one in _folders_of_the_design() if (ROOT / one).is_dir()}
    assert _folders_of_the_design() == shown
    assert folders == {one for one in shown if one.startswith(("resolver", "simk"))}


def test_design_has_the_layers_of_the_contracts() -> None:
    """The table in docs/design.md has the layers of pyproject.toml, in their order."""
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    design = (ROOT / "docs" / "design.md").read_text("utf-8")
    table = design.partition("| `resolver` | `simkernel` |\n|---|---|\n")[2]
    rows = table.partition("\n\n")[0].splitlines()
    for column, package in enumerate(("resolver", "simkernel"), 1):
        block = project.partition(f'containers = ["{package}"]\nlayers = [')[2]
        layers = re.findall(r'^    "(.*)",$', block.partition("]")[0], re.MULTILINE)
        cells = [row.split("|")[column] for row in rows]
        shown = [re.findall(r"`(\w+)`", cell) for cell in cells]
        expected = [re.findall(r"\w+", layer) for layer in layers]
        assert expected == [one for one in shown if one]


def test_picture_of_the_readme_is_current() -> None:
    """If not: ``simkernel show --svg already_bound > docs/host.svg``."""
    name = "already_bound"
    picture = svg(name, topology(boot_host(load(name), source=name).kernel))

    assert (ROOT / "docs" / "host.svg").read_text("utf-8") == picture
