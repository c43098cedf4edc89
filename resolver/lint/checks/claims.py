"""Check the devices and the kind of a VFIO driver's aliases."""

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
    reason="User space cannot find a VFIO driver without an alias.",
    rule="depmod writes the aliases of MODULE_DEVICE_TABLE from .modinfo into "
    "modules.alias, and user space looks for vfio_pci: there.",
    source="Linux, "
    "Documentation/driver-api/vfio-pci-device-specific-driver-acceptance.rst; "
    "include/linux/module.h, MODULE_DEVICE_TABLE",
    remedy="Pass the driver's table to MODULE_DEVICE_TABLE(pci, ...).",
)
_PLAIN: Final = Check(
    id="alias-plain",
    severity="error",
    reason="udev loads a VFIO driver with pci: aliases for every matching device, and "
    "the kernel binds it. User space does not find it as a VFIO driver.",
    rule="Only entries with override_only become vfio_pci: aliases. The kernel skips "
    "only these entries while no driver_override is set.",
    source="Linux commit cc6711b0bf36; drivers/pci/pci-driver.c, pci_match_device()",
    remedy="Write the entries with PCI_DRIVER_OVERRIDE_DEVICE_VFIO instead of "
    "PCI_DEVICE.",
)
_BOTH: Final = Check(
    id="alias-in-both",
    severity="error",
    reason="An id that also has a pci: alias makes udev load the VFIO driver, and the "
    "kernel bind it, for a device of the host.",
    rule="The kernel sends MODALIAS=pci:... when a device appears, and udev passes it "
    "to modprobe. An entry without override_only matches every such device.",
    source="Linux, drivers/pci/pci-driver.c, pci_uevent() and pci_match_device(); "
    "commit cc6711b0bf36 added override_only",
    remedy="Remove the PCI_DEVICE entry or the MODULE_ALIAS.",
)
_ALL: Final = Check(
    id="alias-match-all",
    severity="error",
    reason="A variant driver that matches every device ties with vfio_pci. The order "
    "of modules.alias then decides which one is used.",
    rule="vfio_pci has the alias vfio_pci:v*d*sv*sd*bc*sc*i*. The alias with the "
    "fewest * wins; of equals, the first.",
    source="Linux, drivers/vfio/pci/vfio_pci.c, vfio_pci_table; libvirt commit "
    "82e2fac29710",
    remedy="Give vendor and device in each entry.",
)
_VENDOR: Final = Check(
    id="alias-wide",
    severity="warning",
    reason="A variant driver that matches all devices of a vendor or class is used "
    "for devices that it does not support.",
    rule="The alias has fewer * than the alias of vfio_pci, so it wins for all these "
    "devices.",
    source="libvirt commit 82e2fac29710",
    remedy="Give vendor and device in each entry.",
)
CHECKS: Final = (_NONE, _PLAIN, _BOTH, _ALL, _VENDOR)


def check(module: Module, _context: Context) -> Iterator[LintFinding]:
    """Yield faults in kind and range of a variant driver's aliases."""
    if not module.is_variant:
        return
    vfio = [one for one in module.aliases if one.pattern.startswith("vfio")]
    if vfio:
        yield from _in_both(module, vfio)
        yield from _too_wide(module, vfio)
        return
    plain = [one for one in module.aliases if one.pattern.startswith("pci:")]
    for alias in plain:
        text = f"{alias.pattern} makes udev load the driver, and the kernel bind it"
        yield _PLAIN.found(module, alias.pattern, text, alias.line)
    if not plain:
        text = f"{module.name} uses vfio-pci-core but has no alias"
        yield _NONE.found(module, "", text)


def _in_both(module: Module, vfio: list[Alias]) -> Iterator[LintFinding]:
    claimed = [found for one in vfio if (found := parse_pci(one.pattern)) is not None]
    others = {one.pattern.removeprefix("vfio_") for one in vfio}
    for alias in module.aliases:
        bus = alias.pattern.partition(":")[0]
        fields = parse_pci(alias.pattern) if bus == "pci" else None
        is_same = alias.pattern in others and not bus.startswith("vfio")
        if is_same or (fields and any(fields.overlaps(one) for one in claimed)):
            text = f"{alias.pattern} claims a VFIO device also as {bus}:"
            yield _BOTH.found(module, alias.pattern, text, alias.line)


def _too_wide(module: Module, vfio: list[Alias]) -> Iterator[LintFinding]:
    for alias in vfio:
        fields = parse_pci(alias.pattern)
        if fields is None:
            continue
        if fields.is_anything:
            text = f"{alias.pattern} matches every PCI device, as vfio_pci does"
            yield _ALL.found(module, alias.pattern, text, alias.line)
        elif "*" in fields[:2]:
            text = f"{alias.pattern} has no {_missing(fields)}"
            yield _VENDOR.found(module, alias.pattern, text, alias.line)


def _missing(fields: tuple[str, ...]) -> str:
    names = ("vendor", "device")
    missing = [name for name, one in zip(names, fields, strict=False) if one == "*"]
    return " and no ".join(missing)
