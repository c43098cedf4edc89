"""Buses other than PCI: matching, overrides and modaliases.

Each bus is one row of a table: how it writes a modalias, how a driver's entry matches
an id, and what ``driver_override`` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from errno import ENODEV

from simkernel.model.core.bus import Bus
from simkernel.model.core.device import Device, Driver
from simkernel.model.core.driver_spec import PciId
from simkernel.model.core.probe import ProbeFailure
from simkernel.model.core.services import Services
from simkernel.model.vfio.core import Vfio

__all__ = ["BUS_KINDS", "BusKind", "OtherBus", "OtherDevice", "Override"]

_MATCHED = PciId()
"""Stands for the matching entry, which has another form on these buses."""


class Override(Enum):
    """What ``driver_override`` does on a bus."""

    DECIDES = "the named driver matches without a look at its table"
    NARROWS = "the named driver matches if its table has the device"
    ABSENT = "the file does not exist"


@dataclass(frozen=True, slots=True, kw_only=True)
class BusKind:
    """The rules of one bus.

    Source: the bus's match function and modalias_show of Linux 6.12, named beside
    each row. Rules: R-OTHER-1, R-OTHER-2, R-OTHER-3.
    """

    override: Override
    modalias: Callable[[str], str]
    """Returns the modalias for a device's id."""
    matches: Callable[[str, str], bool]
    """Tells whether a driver's entry (first) matches a device's id (second)."""
    shows_modalias: bool = True
    """Devices have a ``modalias`` file; else the text is in the uevent only."""
    matches_by_name: bool = False
    """A driver without a table matches the devices of its own name."""


def _equal(entry: str, device: str) -> bool:
    return entry == device


def _masked(entry: str, device: str) -> bool:
    """Compare ``00041011/000fffff`` (value and mask) with ``00041011``."""
    value, _, mask = entry.partition("/")
    bits = int(mask or "ffffffff", 16)
    return not (int(value, 16) ^ int(device, 16)) & bits


def _fields(entry: str, device: str) -> bool:
    """Compare fields; a missing one and ``*`` match any value.

    The word ``vfio`` before the fields makes an entry override-only.
    """
    pairs = zip(entry.rpartition(" ")[2].split(":"), device.split(":"), strict=False)
    return all(one in ("*", other) for one, other in pairs)


def _cdx_modalias(device: str) -> str:
    vendor, identity, subvendor, subdevice, class_ = (
        int(part, 16) for part in (device + ":0:0:0:0").split(":")[:5]
    )
    return (
        f"cdx:v{vendor:04X}d{identity:04X}sv{subvendor:04X}sd{subdevice:04X}"
        f"c{class_:06X}"
    )


def _fsl_mc_modalias(device: str) -> str:
    vendor, _, kind = device.partition(":")
    return f"fsl-mc:v{int(vendor, 16):08X}d{kind}"


BUS_KINDS: dict[str, BusKind] = {
    # drivers/base/platform.c platform_match(), platform_uevent()
    "platform": BusKind(
        override=Override.DECIDES,
        modalias=lambda device: f"platform:{device}",
        matches=_equal,
        matches_by_name=True,
    ),
    # drivers/amba/bus.c amba_match(), amba_uevent()
    "amba": BusKind(
        override=Override.DECIDES,
        modalias=lambda device: f"amba:d{int(device, 16):08X}",
        matches=_masked,
        shows_modalias=False,
    ),
    # drivers/bus/fsl-mc/fsl-mc-bus.c fsl_mc_bus_match(), modalias_show()
    "fsl-mc": BusKind(
        override=Override.DECIDES, modalias=_fsl_mc_modalias, matches=_equal
    ),
    # drivers/cdx/cdx.c cdx_bus_match(), modalias_show()
    "cdx": BusKind(override=Override.NARROWS, modalias=_cdx_modalias, matches=_fields),
    # drivers/s390/cio/css.c css_bus_match(), modalias_show()
    "css": BusKind(
        override=Override.NARROWS,
        modalias=lambda device: f"css:t{int(device, 16):01X}",
        matches=_equal,
    ),
    # drivers/s390/crypto/ap_bus.c ap_bus_match(), ap_uevent()
    "ap": BusKind(
        override=Override.ABSENT,
        modalias=lambda device: f"ap:t{int(device, 16):02X}",
        matches=_equal,
    ),
    # drivers/vfio/mdev/mdev_driver.c mdev_match(): never
    "mdev": BusKind(
        override=Override.ABSENT,
        modalias=lambda device: "",
        matches=lambda entry, device: False,
        shows_modalias=False,
    ),
}
"""Buses by name."""


class OtherDevice(Device):
    """A device on a bus other than PCI."""

    __slots__ = ("id",)

    def __init__(self, bus_name: str, name: str, identity: str, devpath: str) -> None:
        super().__init__(bus_name, name, devpath)
        self.id = identity
        """Id that drivers match, in the form of the bus."""

    @property
    def modalias(self) -> str:
        """Text of the modalias; empty: the bus has no modaliases."""
        return BUS_KINDS[self.bus_name].modalias(self.id)


class OtherBus(Bus[OtherDevice]):
    """A bus other than PCI."""

    def __init__(self, services: Services, vfio: Vfio, name: str) -> None:
        super().__init__(services, name)
        self._vfio = vfio
        self.kind = BUS_KINDS[name]

    def match(self, driver: Driver, device: OtherDevice) -> PciId | None:
        """Return a stand-in for an entry if the driver matches the device.

        Source: each bus's match function, see :data:`BUS_KINDS`. Rules: R-OTHER-1,
        R-OTHER-2.
        """
        override = device.driver_override
        if override is not None:
            if override != driver.name.encode():
                return None
            if self.kind.override is Override.DECIDES:
                return _MATCHED
        return _MATCHED if self._in_table(driver, device) else None

    def probe(self, driver: Driver, device: OtherDevice, entry: PciId) -> None:
        """Play the driver's probe function.

        :raises ProbeFailure: with the errno that probe returns.

        Source: drivers/vfio/platform/vfio_platform_common.c
        vfio_platform_probe_common(). Rules: R-BIND-4, R-VFIO-1.
        """
        spec = driver.spec
        super().probe(driver, device, entry)
        if spec.virtual_only:
            raise ProbeFailure(spec.virtual_only, "R-BIND-4")
        if spec.vfio:
            self._vfio.register(device)
        if spec.ports:
            raise ProbeFailure(ENODEV, "R-PCI-10")

    def remove(self, driver: Driver, device: OtherDevice) -> None:
        """Play the driver's remove function. Rules: R-VFIO-4, R-VFIO-8.

        Source: drivers/vfio/platform/vfio_platform_common.c
        vfio_platform_remove_common().
        """
        super().remove(driver, device)
        if driver.spec.vfio:
            self._vfio.wait_until_closed(device)
            self._vfio.unregister(device)

    def _in_table(self, driver: Driver, device: OtherDevice) -> bool:
        table = driver.spec.match
        if device.driver_override is None:
            table = tuple(one for one in table if not one.startswith("vfio "))
        if not table and self.kind.matches_by_name:
            return driver.name == device.id
        return any(self.kind.matches(entry, device.id) for entry in table)

    def add(self, name: str, identity: str, *, iommu: bool = False) -> OtherDevice:
        """Add a device and probe it.

        A name that ends in ``.auto`` gets the lowest free number before ``.auto``.

        Source: drivers/base/platform.c platform_device_add(). Rule: R-OTHER-3.
        """
        if name.endswith(".auto"):
            stem = name.removesuffix(".auto")
            taken = {
                int(found[1])
                for one in self.devices
                if (found := re.fullmatch(r".*\.(\d+)\.auto", one))
            }
            free = next(one for one in range(len(taken) + 1) if one not in taken)
            name = f"{stem}.{free}.auto"
        devpath = f"/devices/{_PARENTS.get(self.name, self.name)}/{name}"
        device = OtherDevice(self.name, name, identity, devpath)
        if iommu:
            self.services.iommu.add(device, devpath)
        self.add_device(device)
        if self.autoprobe:
            self.attach_device(device)
        return device


_PARENTS = {"css": "css0", "fsl-mc": "platform/soc/dprc.1", "cdx": "cdx-00"}
"""Directory of a bus's devices below ``/sys/devices``, if it is not the bus name."""
