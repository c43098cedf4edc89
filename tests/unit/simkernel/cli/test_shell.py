"""``simkernel shell`` on the fakefs tier: a Python prompt on the host."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from simkernel.cli import cli


def prompt(text: str):  # type: ignore[no-untyped-def]
    """Type lines at the prompt."""
    words = ["shell", "--via", "fakefs", "--set", "vfs=1", "mlx5_vfio_pci"]
    return CliRunner().invoke(cli, words, input=text)


def test_prompt_names_the_scenario_and_is_on_its_host() -> None:
    """Files, commands and the kit are at hand."""
    result = prompt(
        "import subprocess\n"
        "Path('/sys/bus/pci/drivers/mlx5_core/unbind').write_text('0000:3b:00.2')\n"
        "subprocess.run(['lsmod'])\n"
        "print('driver:', sim.driver_of('3b:00.2'))\n"
    )

    assert result.exit_code == 0
    assert "[mlx5_vfio_pci] >>> " in result.output
    assert "mlx5_core              12288  0\n" in result.output
    assert "driver: None\n" in result.output


def test_mistake_at_the_prompt_is_no_end() -> None:
    """As at Python's own prompt; and Python's own is as before."""
    before = getattr(sys, "ps1", None)

    assert "two" in prompt("1 / 0\nprint('t' + 'wo')\n").output
    assert before == getattr(sys, "ps1", None)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["nosuch"], "unknown scenario 'nosuch'"),
        (
            ["--set", "vfs", "mlx5_vfio_pci"],
            "invalid --set vfs: not of the form",
        ),
    ],
)
def test_wrong_scenario_is_an_error(words: list[str], reason: str) -> None:
    """Before there is a prompt."""
    result = CliRunner().invoke(cli, ["shell", "--via", "fakefs", *words])

    assert result.exit_code != 0
    assert reason in f"{result.output}{result.exception}"
