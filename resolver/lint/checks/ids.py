"""Check ids for typos, and that tables and aliases agree."""

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
    reason="An id that no host driver and no list has is mostly a typo.",
    rule="A variant driver binds a device that a host driver supports, too. So the "
    "kernel has a pci: alias for this device, or for one of the same vendor with the "
    "same first three digits.",
    source="modules.alias of the kernel; pci.ids",
    remedy="Compare the id with lspci -nn. If it is right and new, use --disable "
    "id-unknown or a baseline.",
    needs_kernel=True,
)
_LEFT_OUT: Final = Check(
    id="id-without-alias",
    severity="error",
    reason="modpost printed no alias for an entry of the driver, so user space cannot "
    "find the driver for it.",
    rule="modpost skips an entry whose class mask covers part of a byte, or whose "
    "override_only value it does not know. The build prints a warning.",
    source="Linux, scripts/mod/file2alias.c, do_pci_entry()",
    remedy="Use masks of whole bytes: 0xff0000, 0xffff00 or 0xffffff.",
)
_BY_HAND: Final = Check(
    id="alias-without-id",
    severity="warning",
    reason="An alias without an entry in the driver's table leads to a driver that "
    "does not know the device.",
    rule="With driver_override set, the kernel binds a driver even if none of its "
    "entries matches; driver_data is then 0.",
    source="Linux, drivers/pci/pci-driver.c, pci_match_device()",
    remedy="Replace the MODULE_ALIAS by an entry of the table.",
)
CHECKS: Final = (_UNKNOWN, _LEFT_OUT, _BY_HAND)


def check(module: Module, context: Context) -> Iterator[LintFinding]:
    """Yield suspicious ids, and differences between tables and aliases."""
    if not module.is_variant:
        return
    for alias in module.aliases:
        yield from _unknown(module, alias, context)
    entries = module.binary.entries if module.binary else ()
    announced = {one.pattern for one in module.aliases}
    for entry in entries:
        if entry.alias not in announced:
            text = f"{entry.ids} is in the driver's table but has no alias"
            yield _LEFT_OUT.found(module, entry.ids, text)
    printed = {one.alias for one in entries}
    for alias in module.aliases:
        is_ours = alias.pattern.startswith(("vfio_pci:", "pci:"))
        if not entries or not is_ours or parse_pci(alias.pattern) is None:
            continue
        if alias.pattern not in printed:
            text = f"{alias.pattern} has no entry in the driver's table"
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
    text = f"{':'.join(short)}: {kernel.release} has no driver for it or a similar id"
    if names.is_there:
        text += ", and pci.ids does not list it"
    yield _UNKNOWN.found(module, alias.pattern, text, alias.line)


# A modalias of the device, to look for a variant driver in any Linux.
def _any_such(vendor: str, device: str) -> str:
    return f"vfio_pci:v{vendor}d{device}sv00000000sd00000000bc00sc00i00"


def _has_four_digits(*ids: str) -> bool:
    return all(one.startswith("0000") for one in ids)
