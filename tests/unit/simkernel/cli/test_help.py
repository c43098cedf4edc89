"""Help texts and messages about the command line itself."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner, Result

from simkernel.cli import cli

COMMANDS = sorted(cli.commands.items())


def invoke(*words: str) -> Result:
    """Run the command line on a terminal of 80 columns."""
    return CliRunner().invoke(cli, words, terminal_width=80)


def test_command_list_shows_whole_summaries_and_common_commands_first() -> None:
    """A list of 80 columns cuts no summary."""
    output = invoke("--help").output
    places = [output.index(f"\n  {name} ") for name in ("run", "list", "show", "try")]

    assert places == sorted(places)
    for name, command in COMMANDS:
        summary = (command.help or "").partition("\n")[0]
        assert len(summary) <= 60
        assert f"  {name:<6}  {summary}\n" in output


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_help_ends_with_examples_of_valid_options(
    name: str, command: click.Command
) -> None:
    """Each example is a command line of simkernel whose options exist."""
    help_text, _, examples = invoke(name, "--help").output.partition("\n  Examples:\n")
    own = [line.split() for line in examples.splitlines()]

    assert "Options:" in help_text
    assert any(words[:2] == ["simkernel", name] for words in own)
    for words in own:
        options = [
            one for one in words[: [*words, "--"].index("--")] if one[:2] == "--"
        ]
        known = {text for one in cli.commands[words[1]].params for text in one.opts}
        assert set(options) <= known


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["shwo"], "unknown command 'shwo'; did you mean show?"),
        (["nonsense"], "unknown command 'nonsense'\n"),
        (["run", "--vai", "fuse", "vfio_pci", "true"], "Did you mean"),
        (["list", "--jsn"], "Did you mean"),
        (["run", "vfio_pci", "--"], "no command after --"),
        (
            ["run", "--kernel", "6", "vfio_pci", "x"],
            "requires --via vm",
        ),
        (["run", "--udev", "vfio_pci", "x"], "requires --via fuse"),
        (
            ["run", "--via", "vm", "--record-trace", "t", "vfio_pci", "x"],
            "--record-trace does not apply to --via vm",
        ),
    ],
)
def test_wrong_command_line_is_refused(words: list[str], reason: str) -> None:
    """The error names the wrong word, and a close one if there is one."""
    result = invoke(*words)

    assert result.exit_code == 2
    assert reason in result.output
