"""``simkernel show``: what is shown to whom."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from simkernel.cli import cli


def show(*words: str):  # type: ignore[no-untyped-def]
    """Run the command; its output goes to no terminal."""
    return CliRunner().invoke(cli, ["show", *words])


def test_without_a_terminal_it_is_the_rendered_scenario() -> None:
    """A script gets what can be edited and run again."""
    assert show("mlx5_vfio_pci").output == show("--yaml", "mlx5_vfio_pci").output
    assert show("mlx5_vfio_pci").output.startswith("# A ConnectX physical function")


@pytest.mark.parametrize(
    ("form", "first"),
    [
        ("--tree", "mlx5_vfio_pci  kernel 6.12.117-amd64"),
        ("--dot", "digraph host {"),
        ("--svg", '<?xml version="1.0" encoding="UTF-8"?>'),
    ],
)
def test_each_form_can_be_asked_for(form: str, first: str) -> None:
    """With parameters, too."""
    result = show(form, "mlx5_vfio_pci", "--set", "vfs=1")

    assert result.exit_code == 0
    assert first == result.output.splitlines()[0]
    assert "0000:3b:00.2" in result.output
    assert "0000:3b:00.3" not in result.output


@pytest.mark.parametrize(
    "words",
    [["--svg", "--events"], ["--tree", "/sys"], ["--events", "/sys"]],
)
def test_two_things_at_once_are_refused(words: list[str]) -> None:
    """One output has one kind."""
    result = show("mlx5_vfio_pci", *words)

    assert result.exit_code == 2
    assert "exclude each other" in result.output


def test_path_and_events_of_the_host_are_shown() -> None:
    """As before there were pictures."""
    assert "0000:3b:00.2\n" in show("mlx5_vfio_pci", "/sys/bus/pci/devices").output
    assert show("vfio_ap_autoload", "--events").exit_code == 0
