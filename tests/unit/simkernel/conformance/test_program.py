"""Programs in files."""

from __future__ import annotations

import pytest

from simkernel.conformance.comparison import Comparison
from simkernel.conformance.model_executor import ModelExecutor
from simkernel.conformance.operations import Load, Read
from simkernel.conformance.program import (
    Program,
    format_program,
    parse_program,
    written_programs,
)
from simkernel.errors import UsageError
from simkernel.scenario.render import load

TEXT = """
# Somebody wrote this.
about: Modules that are there.
scenario: mlx5_vfio_pci
set: vfs=2
rules: R-MOD-1 R-MOD-2

load vfio # a comment is a line of its own
"""


def test_file_is_the_program() -> None:
    """Formatting and parsing a program are inverse."""
    program = Program(
        scenario="mlx5_vfio_pci",
        about="Modules that are there.",
        settings={"vfs": "2"},
        rules=("R-MOD-1", "R-MOD-2"),
        operations=(Load("vfio"), Read("/sys/module/vfio/refcnt")),
    )

    assert program == parse_program(format_program(program))
    assert parse_program("scenario: a\n\n# nothing\n") == Program(
        scenario="a", operations=()
    )


@pytest.mark.parametrize(
    "text", [TEXT, "about: no scenario\n\n", "scenario a\n\n", "colour: red\n\n"]
)
def test_wrong_file_is_refused_by_name(text: str) -> None:
    """The error names the file."""
    with pytest.raises(UsageError, match=r"^mine\.txt: "):
        parse_program(text, "mine.txt")


def test_misspelled_key_is_corrected() -> None:
    """The error suggests the key."""
    with pytest.raises(UsageError, match=r"did you mean scenario\?"):
        parse_program("scenaro: vfio_pci\n\nread /proc/modules\n")


@pytest.mark.parametrize("name", written_programs())
def test_written_program_can_be_played(name: str) -> None:
    """Each names rules and runs on its scenario."""
    program = written_programs()[name]

    assert program.about
    assert program.rules
    assert program.operations
    comparison = Comparison(ModelExecutor(), ModelExecutor())
    scenario = load(program.scenario, program.settings)
    assert comparison.run(program.scenario, scenario, program.operations) is None
