"""Does another module claim the same devices?"""

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
    reason="Which of two modules a device gets depends on the order of modules.alias.",
    rule="Of aliases with equally many * the first line wins; depmod writes them in "
    "the order of modules.order, and what is not in there behind it.",
    source="libvirt commit 82e2fac29710; kmod, tools/depmod.c, depmod_modules_sort()",
    remedy="Narrow one of them by subsystem vendor and device, or ship one of the two.",
)
_SHADOWED: Final = Check(
    id="alias-shadowed",
    severity="warning",
    reason="Some devices that the alias describes get another module's driver.",
    rule="The alias with the fewest * wins.",
    source="libvirt commit 82e2fac29710",
    remedy="If the device is yours, name its subsystem vendor and device, too.",
)
_TWICE: Final = Check(
    id="alias-duplicate",
    severity="warning",
    reason="One of two equal entries has no effect: mostly another id was meant.",
    rule="The driver core takes the first entry of the table that matches.",
    source="Linux, drivers/pci/pci-driver.c, pci_match_id()",
    remedy="Take one of them out, or correct its id.",
)
CHECKS: Final = (_TIE, _SHADOWED, _TWICE)


def check(module: Module, context: Context) -> Iterator[LintFinding]:
    """Yield aliases that others have, too, or that the module has twice."""
    is_variant = module.is_variant
    seen = set()
    for alias in module.aliases:
        if alias.pattern in seen:
            text = f"{alias.pattern} is announced twice"
            yield _TWICE.found(module, alias.pattern, text, alias.line)
            continue
        seen.add(alias.pattern)
        if not is_variant or not alias.pattern.startswith("vfio_pci:"):
            continue
        rival = context.rivals.of(alias.pattern, module.name)
        if rival is None:
            continue
        if rival.rank == wildcards(alias.pattern):
            text = f"{alias.pattern} and {rival.pattern} of {rival.module} describe the"
            text += " same devices equally well"
            yield _TIE.found(module, alias.pattern, text, alias.line)
        else:
            text = f"{rival.pattern} of {rival.module} is closer than {alias.pattern}"
            yield _SHADOWED.found(module, alias.pattern, text, alias.line)
