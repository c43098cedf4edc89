"""Check for other modules that claim the same devices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from resolver.lint.check import Check, Context, LintFinding
from resolver.lint.module import Module
from resolver.matching.glob import wildcards

__all__ = ["CHECKS", "check"]

_TIE: Final = Check(
    id="alias-tie",
    severity="error",
    reason="The order of modules.alias decides which of two modules a device gets.",
    rule="Of aliases with equally many *, the first line wins. depmod writes them in "
    "the order of modules.order, then the modules that are not listed there.",
    source="libvirt commit 82e2fac29710; kmod, tools/depmod.c, depmod_modules_sort()",
    remedy="Narrow one alias by subsystem vendor and device, or ship only one of the "
    "modules.",
)
_SHADOWED: Final = Check(
    id="alias-shadowed",
    severity="warning",
    reason="Some devices that match the alias get another module's driver.",
    rule="The alias with the fewest * wins.",
    source="libvirt commit 82e2fac29710",
    remedy="If the device is yours, add its subsystem vendor and device.",
)
_TWICE: Final = Check(
    id="alias-duplicate",
    severity="warning",
    reason="One of two equal entries has no effect. Mostly it has a wrong id.",
    rule="The driver core uses the first matching entry of the table.",
    source="Linux, drivers/pci/pci-driver.c, pci_match_id()",
    remedy="Remove one of them, or correct its id.",
)
CHECKS: Final = (_TIE, _SHADOWED, _TWICE)


def check(module: Module, context: Context) -> Iterator[LintFinding]:
    """Yield duplicate aliases, and overlaps with other modules."""
    is_variant = module.is_variant
    seen = set()
    for alias in module.aliases:
        if alias.pattern in seen:
            text = f"{alias.pattern} is a duplicate"
            yield _TWICE.found(module, alias.pattern, text, alias.line)
            continue
        seen.add(alias.pattern)
        if not is_variant or not alias.pattern.startswith("vfio_pci:"):
            continue
        rival = context.rivals.of(alias.pattern, module.name)
        if rival is None:
            continue
        if rival.rank == wildcards(alias.pattern):
            text = f"{alias.pattern} ties with {rival.pattern} of {rival.module}"
            yield _TIE.found(module, alias.pattern, text, alias.line)
        else:
            text = f"{rival.pattern} of {rival.module} matches more closely than "
            text += alias.pattern
            yield _SHADOWED.found(module, alias.pattern, text, alias.line)
