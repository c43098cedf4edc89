"""From a command line to Python code."""

from __future__ import annotations

import pytest

from simkernel.errors import UsageError
from simkernel.fronts.fakefs.programs.python import find_program


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["nosuchcommand"], "command not found"),
        (["/bin/sh", "-c", "true"], "only Python programs\nhint: use --via fuse"),
        (["python"], "without a program"),
        (["python", "-m", "nosuchmodule"], "module not found"),
        (["python", "nosuch.py"], "cannot read"),
        (["python", "-c", "=="], "cannot compile"),
    ],
)
def test_find_program_reports_what_is_not_python(argv: list[str], reason: str) -> None:
    """A clear error, and nothing runs."""
    with pytest.raises(UsageError, match=reason):
        find_program(argv)
