"""The release command: what a changelog and a README must have for it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
CHANGELOG = """\
# Changelog

## 0.2.0 - 2026-12-01

### Added

- A command.

## 0.1.0 - 2026-01-01

- Everything.
"""


@pytest.fixture(scope="module")
def release() -> ModuleType:
    """Return the script that makes releases."""
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci/release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_notes_are_the_section_of_the_version(release: ModuleType) -> None:
    """Without its heading and what follows."""
    assert release.notes(CHANGELOG, "0.2.0") == "### Added\n\n- A command."


@pytest.mark.parametrize(
    ("changelog", "version"),
    [
        ("", "0.2.0"),
        (CHANGELOG, "0.2"),
        (CHANGELOG, "0.1.0"),
        (CHANGELOG, "0.3.0"),
        (CHANGELOG, "Unreleased"),
        (CHANGELOG.replace(" - 2026-12-01", ""), "0.2.0"),
        (CHANGELOG.replace("- A command.", "Nothing."), "0.2.0"),
    ],
)
def test_version_without_notes_is_not_released(
    release: ModuleType, changelog: str, version: str
) -> None:
    """Or with another version above it, without a day, without a change."""
    with pytest.raises(SystemExit, match=r"^CHANGELOG\.md: "):
        release.notes(changelog, version)


def test_next_release_has_notes(release: ModuleType) -> None:
    """The changelog begins with what is not released yet."""
    assert release.notes((ROOT / "CHANGELOG.md").read_text("utf-8"), "Unreleased")


def test_demo_is_the_first_command_of_the_readme(release: ModuleType) -> None:
    """With all that it prints, up to the next command."""
    command, shown = release.demo((ROOT / "README.md").read_text("utf-8"))

    assert command == "simkernel run mlx5_vfio_pci -- resolver bind 0000:3b:00.2"
    assert shown.startswith("0000:3b:00.2 (15b3:101e): mlx5_core -> mlx5_vfio_pci\n")
    assert release.demo("```console\n$ one\n1\n2\n$ two\n3\n```\n") == ("one", "1\n2\n")
