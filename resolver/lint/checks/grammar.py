"""Is an alias written as modpost writes it?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from resolver.lint.check import Check, Context, LintFinding
from resolver.lint.grammar import FORMS, parse_pci, wrong
from resolver.lint.module import Module

__all__ = ["CHECKS", "check"]

_GRAMMAR: Final = Check(
    id="alias-grammar",
    severity="error",
    reason="An alias of another form matches no device, or other devices than meant.",
    rule="A device's modalias has its fields in one order, with upper-case digits and "
    "of fixed width; modpost prints aliases to match. Tools that count * rely on it.",
    source="Linux, scripts/mod/file2alias.c; drivers/pci/pci-sysfs.c, modalias_show()",
    remedy="Leave MODULE_ALIAS away and have MODULE_DEVICE_TABLE make the alias from "
    "the table.",
)
_PREFIX: Final = Check(
    id="alias-prefix",
    severity="error",
    reason="Nobody asks for an alias that begins otherwise than with vfio_BUS:.",
    rule="User space puts vfio_ before the modalias of the device, and takes what "
    "matches the whole.",
    source="Linux commit cc6711b0bf36; libvirt commit 82e2fac29710",
    remedy="Put PCI_DRIVER_OVERRIDE_DEVICE_VFIO entries into the table.",
)
_WIDTH: Final = Check(
    id="id-too-wide",
    severity="error",
    reason="No device has an id of more than 16 bits: the alias matches nothing.",
    rule="The fields of struct pci_device_id have 32 bits, those of the configuration "
    "space 16; they are compared in full.",
    source="Linux, drivers/pci/pci.h, pci_match_one_device()",
    remedy="Write vendor and device as two numbers of four digits each.",
)
CHECKS: Final = (_GRAMMAR, _PREFIX, _WIDTH)

_VFIO_BUS: Final = re.compile(r"vfio_[a-z][a-z0-9_-]*:")


def check(module: Module, _context: Context) -> Iterator[LintFinding]:
    """Yield the aliases that are not as modpost would have printed them."""
    is_variant = module.is_variant
    for alias in module.aliases:
        pattern = alias.pattern
        if ":" not in pattern:
            continue
        if pattern.startswith("vfio") and not _VFIO_BUS.match(pattern):
            text = f"{pattern} begins with {pattern.partition(':')[0]}:"
            yield _PREFIX.found(module, pattern, text, alias.line)
            continue
        problem = wrong(pattern)
        if problem is not None:
            bus = pattern.partition(":")[0].removeprefix("vfio_")
            text = f"{pattern}: {problem}; modpost prints {FORMS[bus]}"
            yield _GRAMMAR.found(module, pattern, text, alias.line)
            continue
        if is_variant and pattern.startswith(("pci:", "vfio_pci:")):
            yield from _wide(module, pattern, alias.line)


def _wide(module: Module, pattern: str, line: int) -> Iterator[LintFinding]:
    fields = parse_pci(pattern)
    for value in fields[:4] if fields else ():
        if value != "*" and not value.startswith("0000"):
            text = f"{pattern}: 0x{value.lstrip('0').lower()} has more than 16 bits"
            yield _WIDTH.found(module, pattern, text, line)
