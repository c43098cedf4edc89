"""Parse aliases of PCI drivers, and derive devices.

Pure: text in, values out.

Source: Linux, scripts/mod/file2alias.c, do_pci_entry().
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from simkernel.scenario.schema.modules import PciIdEntry

__all__ = ["AliasIds", "DeviceIds", "parse_alias", "unclaimed_ids"]

# Also accepts aliases that people write by hand: lower case, fewer digits, cut short.
_ALIAS: Final = re.compile(
    r"(?P<bus>vfio_pci|pci):"
    r"v(?P<vendor>[\dA-Fa-f]{1,8}|\*)"
    r"(?:d(?P<device>[\dA-Fa-f]{1,8}|\*))?"
    r"(?:sv(?P<subvendor>[\dA-Fa-f]{1,8}|\*))?"
    r"(?:sd(?P<subdevice>[\dA-Fa-f]{1,8}|\*))?"
    r"(?:bc(?P<base>[\dA-Fa-f]{2}|\*))?"
    r"(?:sc(?P<sub>[\dA-Fa-f]{2}|\*))?"
    r"(?:i(?P<interface>[\dA-Fa-f]{2}|\*))?\*?"
)
_VENDOR, _DEVICE = 0x1B36, 0x7F01
"""Ids for wildcards: QEMU's vendor, and a device id that no hardware has."""
_SUBDEVICE = 0x0001
_CLASS = (0x02, 0x00, 0x00)
"""Network controller, the class of most variant drivers' devices."""
_LAST_ID = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceIds:
    """The ids of a device."""

    vendor: int
    device: int
    subvendor: int
    subdevice: int
    class_: int

    def modalias(self, bus: str = "pci") -> str:
        """Return the modalias of a device with these ids.

        :param bus: prefix, ``pci`` or ``vfio_pci``.
        """
        numbers = f"v{self.vendor:08X}d{self.device:08X}"
        numbers += f"sv{self.subvendor:08X}sd{self.subdevice:08X}"
        base, sub, interface = self.class_.to_bytes(3, "big")
        return f"{bus}:{numbers}bc{base:02X}sc{sub:02X}i{interface:02X}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasIds:
    """An id table entry decoded from an alias; None: wildcard."""

    bus: str
    """``vfio_pci``: matches only with ``driver_override``; ``pci``: always matches."""
    vendor: int | None
    device: int | None
    subvendor: int | None
    subdevice: int | None
    class_parts: tuple[int | None, int | None, int | None]

    def example_device(self) -> DeviceIds:
        """Return ids that match, with defaults for wildcards."""
        vendor = _VENDOR if self.vendor is None else self.vendor
        base, sub, interface = (
            usual if one is None else one
            for one, usual in zip(self.class_parts, _CLASS, strict=True)
        )
        return DeviceIds(
            vendor=vendor,
            device=_DEVICE if self.device is None else self.device,
            subvendor=vendor if self.subvendor is None else self.subvendor,
            subdevice=_SUBDEVICE if self.subdevice is None else self.subdevice,
            class_=base << 16 | sub << 8 | interface,
        )

    def may_match(self, vendor: int, device: int) -> bool:
        """Tell whether a vendor and device id may match."""
        return self.vendor in (None, vendor) and self.device in (None, device)

    def id_entry(self) -> PciIdEntry:
        """Return the entry as a scenario writes it."""
        value = mask = 0
        for part in self.class_parts:
            value = value << 8 | (part or 0)
            mask = mask << 8 | (0 if part is None else 0xFF)
        return PciIdEntry(
            id=f"{_hex(self.vendor)}:{_hex(self.device)}",
            subsystem=f"{_hex(self.subvendor)}:{_hex(self.subdevice)}",
            class_=f"{value:06x}/{mask:06x}",
            override_only=self.bus == "vfio_pci",
        )


def parse_alias(alias: str) -> AliasIds | None:
    """Return the ids in an alias; None: not a PCI alias."""
    found = _ALIAS.fullmatch(alias)
    if found is None:
        return None
    numbers = {
        key: None if text in (None, "*") else int(text, 16)
        for key, text in found.groupdict().items()
        if key != "bus"
    }
    ids = ("vendor", "device", "subvendor", "subdevice")
    if any((numbers[one] or 0) > _LAST_ID for one in ids):
        return None
    return AliasIds(
        bus=found["bus"],
        vendor=numbers["vendor"],
        device=numbers["device"],
        subvendor=numbers["subvendor"],
        subdevice=numbers["subdevice"],
        class_parts=(numbers["base"], numbers["sub"], numbers["interface"]),
    )


def unclaimed_ids(device: DeviceIds, entries: list[AliasIds]) -> DeviceIds:
    """Return ids of the same vendor that no entry matches.

    Tries the 255 nearest device ids; returns the first if entries match all of them.
    """
    for step in range(1, 256):
        number = device.device ^ step
        if not any(one.may_match(device.vendor, number) for one in entries):
            return replace(device, device=number)
    return replace(device, device=device.device ^ 1)


def _hex(number: int | None) -> str:
    return "*" if number is None else f"{number:04x}"
