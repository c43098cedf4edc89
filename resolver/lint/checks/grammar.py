"""Check that aliases have the format that modpost prints."""

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
    reason="An alias in another format matches no device, or the wrong devices.",
    rule="A modalias has its fields in a fixed order, with upper-case digits of fixed "
    "width. modpost prints aliases that match it. Tools that count * rely on this.",
    source="Linux, scripts/mod/file2alias.c; drivers/pci/pci-sysfs.c, modalias_show()",
    remedy="Replace MODULE_ALIAS by MODULE_DEVICE_TABLE, which builds the alias from "
    "the table.",
)
_PREFIX: Final = Check(
    id="alias-prefix",
    severity="error",
    reason="User space never looks for an alias that starts with anything but "
    "vfio_BUS:.",
    rule="User space puts vfio_ before the modalias of the device, and compares the "
    "whole alias.",
    source="Linux commit cc6711b0bf36; libvirt commit 82e2fac29710",
    remedy="Add PCI_DRIVER_OVERRIDE_DEVICE_VFIO entries to the table.",
)
_WIDTH: Final = Check(
    id="id-too-wide",
    severity="error",
    reason="No device has an id of more than 16 bits, so the alias matches nothing.",
    rule="The fields of struct pci_device_id have 32 bits, the ids in configuration "
    "space 16. The kernel compares all bits.",
    source="Linux, drivers/pci/pci.h, pci_match_one_device()",
    remedy="Write vendor and device as two separate numbers of four digits.",
)
CHECKS: Final = (_GRAMMAR, _PREFIX, _WIDTH)

_VFIO_BUS: Final = re.compile(r"vfio_[a-z][a-z0-9_-]*:")


def check(module: Module, _context: Context) -> Iterator[LintFinding]:
    """Yield the aliases that modpost would print differently."""
    is_variant = module.is_variant
    for alias in module.aliases:
        pattern = alias.pattern
        if ":" not in pattern:
            continue
        if pattern.startswith("vfio") and not _VFIO_BUS.match(pattern):
            text = f"{pattern} starts with {pattern.partition(':')[0]}:"
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
