"""The project itself: packaging, documents, and what they say of each other."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from simkernel.scenario.render import installed, scenario_folder

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


def test_contributing_is_short() -> None:
    """Who reads it reads all of it."""
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()) < 120


def test_scenario_reference_is_current(scenario_reference: ModuleType) -> None:
    """docs/scenario.md is what the schema says.

    If not: ``python docs/make_scenario_reference.py``.
    """
    written = (ROOT / "docs" / "scenario.md").read_text("utf-8")

    assert scenario_reference.reference() == written
