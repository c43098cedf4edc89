"""Does a VFIO driver claim what it should, and in the way that keeps it quiet?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from resolver.lint.check import Check, Context, LintFinding
from resolver.lint.grammar import parse_pci
from resolver.lint.module import Alias, Module

__all__ = ["CHECKS", "check"]

_NONE: Final = Check(
    id="alias-none",
    severity="error",
    reason="A VFIO driver without an alias is found by nobody.",
    rule="depmod writes into modules.alias what MODULE_DEVICE_TABLE left in .modinfo, "
    "and user space looks for vfio_pci: there.",
    source="Linux, "
    "Documentation/driver-api/vfio-pci-device-specific-driver-acceptance.rst; "
    "include/linux/module.h, MODULE_DEVICE_TABLE",
    remedy="Name the table of the driver in MODULE_DEVICE_TABLE(pci, ...).",
)
_PLAIN: Final = Check(
    id="alias-plain",
    severity="error",
    reason="udev loads a VFIO driver with pci: aliases for every such device, and the "
    "kernel binds it; as a VFIO driver it is not found.",
    rule="Only entries of a table with override_only set become vfio_pci: aliases; "
    "and only they are passed over where no driver_override is set.",
    source="Linux commit cc6711b0bf36; drivers/pci/pci-driver.c, pci_match_device()",
    remedy="Make the entries with PCI_DRIVER_OVERRIDE_DEVICE_VFIO, not PCI_DEVICE.",
)
_BOTH: Final = Check(
    id="alias-in-both",
    severity="error",
    reason="An id that is also announced as pci: lets udev load the VFIO driver, and "
    "the kernel bind it, for a device of the host.",
    rule="The kernel prints MODALIAS=pci:... when a device appears, and udev hands "
    "that to modprobe; an entry without override_only matches without being asked "
    "for.",
    source="Linux, drivers/pci/pci-driver.c, pci_uevent() and pci_match_device(); "
    "commit cc6711b0bf36 made override_only for that",
    remedy="Take the PCI_DEVICE entry out, or the MODULE_ALIAS.",
)
_ALL: Final = Check(
    id="alias-match-all",
    severity="error",
    reason="A variant that takes every device ties with vfio_pci, and which of them "
    "is used depends on the order of modules.alias.",
    rule="vfio_pci has vfio_pci:v*d*sv*sd*bc*sc*i* itself; the alias with the fewest "
    "* wins, and of equals the first.",
    source="Linux, drivers/vfio/pci/vfio_pci.c, vfio_pci_table; libvirt commit "
    "82e2fac29710",
    remedy="Name vendor and device in each entry.",
)
_VENDOR: Final = Check(
    id="alias-wide",
    severity="warning",
    reason="A variant that takes all devices of a vendor, or of a class, is used for "
    "devices that it does not know.",
    rule="The alias has fewer * than that of vfio_pci, so it wins for all of them.",
    source="libvirt commit 82e2fac29710",
    remedy="Name vendor and device in each entry.",
)
CHECKS: Final = (_NONE, _PLAIN, _BOTH, _ALL, _VENDOR)


def check(module: Module, _context: Context) -> Iterator[LintFinding]:
    """Yield what is wrong with the kind and the reach of a variant's aliases."""
    if not module.is_variant:
        return
    vfio = [one for one in module.aliases if one.pattern.startswith("vfio")]
    if vfio:
        yield from _in_both(module, vfio)
        yield from _too_wide(module, vfio)
        return
    plain = [one for one in module.aliases if one.pattern.startswith("pci:")]
    for alias in plain:
        text = f"{alias.pattern} is loaded and bound without being asked for"
        yield _PLAIN.found(module, alias.pattern, text, alias.line)
    if not plain:
        text = f"{module.name} uses vfio-pci-core and announces no device"
        yield _NONE.found(module, "", text)


def _in_both(module: Module, vfio: list[Alias]) -> Iterator[LintFinding]:
    claimed = [found for one in vfio if (found := parse_pci(one.pattern)) is not None]
    others = {one.pattern.removeprefix("vfio_") for one in vfio}
    for alias in module.aliases:
        bus = alias.pattern.partition(":")[0]
        fields = parse_pci(alias.pattern) if bus == "pci" else None
        is_same = alias.pattern in others and not bus.startswith("vfio")
        if is_same or (fields and any(fields.overlaps(one) for one in claimed)):
            text = f"{alias.pattern} announces again, as {bus}:, what is for VFIO alone"
            yield _BOTH.found(module, alias.pattern, text, alias.line)


def _too_wide(module: Module, vfio: list[Alias]) -> Iterator[LintFinding]:
    for alias in vfio:
        fields = parse_pci(alias.pattern)
        if fields is None:
            continue
        if fields.is_anything:
            text = f"{alias.pattern} describes every PCI device, as vfio_pci's does"
            yield _ALL.found(module, alias.pattern, text, alias.line)
        elif "*" in fields[:2]:
            text = f"{alias.pattern} names no {_missing(fields)}"
            yield _VENDOR.found(module, alias.pattern, text, alias.line)


def _missing(fields: tuple[str, ...]) -> str:
    names = ("vendor", "device")
    missing = [name for name, one in zip(names, fields, strict=False) if one == "*"]
    return " and no ".join(missing)
