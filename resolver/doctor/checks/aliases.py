"""Check that the kernel's aliases can be read.

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding

__all__ = ["check"]

_SHOWN = 3
_REMEDY = (
    "run `depmod -a` to write the file again; if that does not help, reinstall the "
    "kernel package"
)


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong with the alias files of the module directory."""
    if facts.is_removed:
        yield Finding(
            id="modules-gone",
            severity="problem",
            message=f"the modules of the running kernel {facts.release} are gone, as "
            "after an upgrade: no module can be loaded",
            advice=("reboot into an installed kernel",),
        )
        return
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
            message=f"not in depmod's format: {'; '.join(texts)}",
            advice=(_REMEDY,),
        )
