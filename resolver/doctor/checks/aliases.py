"""Can the kernel's aliases be read?

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding

__all__ = ["check"]

_SHOWN = 3
_REMEDY = (
    "depmod -a makes the file anew; if that does not help, install the kernel "
    "package again"
)


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong with ``modules.alias`` and the files beside it."""
    for note in facts.alias_notes:
        yield Finding(
            id="aliases-missing",
            severity="problem",
            message=note,
            advice=(_REMEDY,),
        )
    if facts.alias_warnings:
        first = facts.alias_warnings[:_SHOWN]
        more = len(facts.alias_warnings) - len(first)
        texts = [f"{one.path} line {one.line}: {one.text}" for one in first]
        texts += [f"and {more} more"] if more else []
        yield Finding(
            id="aliases-broken",
            severity="warning",
            message=f"not as depmod writes it: {'; '.join(texts)}",
            advice=(_REMEDY,),
        )
