"""Are the ids those that were meant, and does the driver have them?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from resolver.lint.check import Check, Context, LintFinding
from resolver.lint.grammar import parse_pci
from resolver.lint.module import Alias, Module
from resolver.matching import intree

__all__ = ["CHECKS", "check"]

_UNKNOWN: Final = Check(
    id="id-unknown",
    severity="warning",
    reason="An id that no driver of the host has, and no list knows, is mostly a typo.",
    rule="A variant takes a device that another driver runs on the host, and the "
    "kernel compared with has a pci: alias of that one, or one of the same vendor and "
    "the same first three digits: families lie together.",
    source="modules.alias of the kernel; pci.ids",
    remedy="Compare with lspci -nn of the device. If it is right and new, --disable "
    "id-unknown or a baseline keeps it quiet.",
    needs_kernel=True,
)
_LEFT_OUT: Final = Check(
    id="id-without-alias",
    severity="error",
    reason="The driver has an entry for which modpost printed no alias: nobody finds "
    "it.",
    rule="A mask of the class that cuts through a byte, or an override_only that "
    "modpost does not know, is left out with a warning of the build.",
    source="Linux, scripts/mod/file2alias.c, do_pci_entry()",
    remedy="Use masks of whole bytes: 0xff0000, 0xffff00 or 0xffffff.",
)
_BY_HAND: Final = Check(
    id="alias-without-id",
    severity="warning",
    reason="An alias that no entry of the driver's table stands for leads to a driver "
    "that does not know the device.",
    rule="Under driver_override a driver is given a device that none of its entries "
    "describes, with driver_data 0.",
    source="Linux, drivers/pci/pci-driver.c, pci_match_device()",
    remedy="Make an entry of the table from it, and take the MODULE_ALIAS out.",
)
CHECKS: Final = (_UNKNOWN, _LEFT_OUT, _BY_HAND)


def check(module: Module, context: Context) -> Iterator[LintFinding]:
    """Yield ids that are likely wrong, and tables that disagree with the aliases."""
    if not module.is_variant:
        return
    for alias in module.aliases:
        yield from _unknown(module, alias, context)
    entries = module.binary.entries if module.binary else ()
    announced = {one.pattern for one in module.aliases}
    for entry in entries:
        if entry.alias not in announced:
            text = f"{entry.ids} is in the table of the driver and has no alias"
            yield _LEFT_OUT.found(module, entry.ids, text)
    printed = {one.alias for one in entries}
    for alias in module.aliases:
        is_ours = alias.pattern.startswith(("vfio_pci:", "pci:"))
        if not entries or not is_ours or parse_pci(alias.pattern) is None:
            continue
        if alias.pattern not in printed:
            text = f"{alias.pattern} is of no entry of the driver's table"
            yield _BY_HAND.found(module, alias.pattern, text, alias.line)


def _unknown(module: Module, alias: Alias, context: Context) -> Iterator[LintFinding]:
    fields = parse_pci(alias.pattern)
    if fields is None or not alias.pattern.startswith("vfio_pci:"):
        return
    kernel, names = context.kernel, context.names
    vendor, device = fields.vendor, fields.device
    if kernel is None or kernel.knows_like(vendor, device):
        return
    if "*" in (vendor, device) or not _has_four_digits(vendor, device):
        return
    if intree.lookup().matching(_any_such(vendor, device)):
        return
    short = vendor[4:].lower(), device[4:].lower()
    if names.has(*short):
        return
    text = f"{':'.join(short)}: no driver of {kernel.release} has it or one like it"
    if names.is_there:
        text += ", nor does pci.ids list it"
    yield _UNKNOWN.found(module, alias.pattern, text, alias.line)


# Linux has a variant for it, if not this kernel.
def _any_such(vendor: str, device: str) -> str:
    return f"vfio_pci:v{vendor}d{device}sv00000000sd00000000bc00sc00i00"


def _has_four_digits(*ids: str) -> bool:
    return all(one.startswith("0000") for one in ids)
