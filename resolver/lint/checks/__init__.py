"""The checks of lint, one family a module.

Pure: modules in, findings out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from resolver.lint.check import Check, Context, LintFinding
from resolver.lint.checks import (
    claims,
    contest,
    dependencies,
    files,
    grammar,
    ids,
    naming,
    trust,
)
from resolver.lint.module import Module

__all__ = ["CHECKS", "FAMILIES", "check_module"]

FAMILIES: Final[dict[str, tuple[Check, ...]]] = {
    "Format of aliases": grammar.CHECKS,
    "Claimed devices": claims.CHECKS,
    "Conflicts with other modules": contest.CHECKS,
    "Ids": ids.CHECKS,
    "Driver names": naming.CHECKS,
    "Dependencies": dependencies.CHECKS,
    "Loading": trust.CHECKS,
    "Files": files.CHECKS,
}
"""Heading in docs/lint.md to its checks."""

CHECKS: Final = {one.id: one for family in FAMILIES.values() for one in family}
"""Id to check."""

_LOOK: Final[tuple[Callable[[Module, Context], Iterator[LintFinding]], ...]] = (
    grammar.check,
    claims.check,
    contest.check,
    ids.check,
    naming.check,
    dependencies.check,
    trust.check,
)


def check_module(module: Module, context: Context) -> Iterator[LintFinding]:
    """Yield all findings about a module."""
    for look in _LOOK:
        yield from look(module, context)
