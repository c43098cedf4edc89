"""The verdict column of docs/rules.md."""

from __future__ import annotations

import pytest

from simkernel.conformance.verdicts import add_release
from simkernel.errors import UsageError

TABLE = """# Rules

| id | statement | source | checked by | verdict |
|---|---|---|---|---|
| R-BIND-1 | gone | a.c | tests/a.py | - |
| R-BIND-2 | bound | a.c | tests/a.py | 6.12.117 |
"""


def test_release_is_added_in_order() -> None:
    """A release is added once and in order; other rows stay."""
    once = add_release(TABLE, "6.1.192", {"R-BIND-2"})
    twice = add_release(once, "6.1.192", {"R-BIND-1", "R-BIND-2"})

    assert TABLE.replace("| 6.12.117 |", "| 6.1.192, 6.12.117 |") == once
    assert "| R-BIND-1 | gone | a.c | tests/a.py | 6.1.192 |\n" in twice
    assert twice == add_release(twice, "6.1.192", {"R-BIND-1"})


def test_rule_without_row_is_an_error() -> None:
    """A rule without a row is an error."""
    with pytest.raises(UsageError, match="R-NONE-1"):
        add_release(TABLE, "6.12.117", {"R-NONE-1"})


def test_verdict_is_a_version() -> None:
    """A package name is an error."""
    with pytest.raises(UsageError, match="invalid kernel version"):
        add_release(TABLE, "6.1.0-56-amd64", set())
