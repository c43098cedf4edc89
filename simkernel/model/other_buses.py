"""Buses other than PCI, as far as drivers, overrides and modaliases go.

Each is one row of a table: how a device's id is written, what its modalias is, how
a driver's entry fits, and whether ``driver_override`` decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from simkernel.model.core.bus import Bus
from simkernel.model.core.device import Device
from simkernel.model.core.driver import Driver, PciId

if TYPE_CHECKING:
    from simkernel.model.kernel import Kernel

__all__ = ["BUS_KINDS", "BusKind", "OtherBus", "OtherDevice", "Override"]

_MATCHED = PciId()
"""What stands for the matching entry, where nobody looks at it."""


class Override(Enum):
    """What ``driver_override`` does on a bus."""

    DECIDES = "the named driver matches, whatever its table says"
    NARROWS = "the named driver matches, if its table has the device"
    ABSENT = "there is no such file"


@dataclass(frozen=True, slots=True, kw_only=True)
class BusKind:
    """The rules of one bus.

    Source: the bus's match function and modalias_show of Linux 6.12, named beside
    each row. Rules: R-OTHER-1, R-OTHER-2, R-OTHER-3.
    """

    override: Override
    modalias: Callable[[str], str]
    """From a device's id to the text of its modalias."""
    fits: Callable[[str, str], bool]
    """Whether a driver's entry (first) means a device's id (second)."""
    shows_modalias: bool = True
    """Has a ``modalias`` file; else the text is in the uevent only."""
    matches_by_name: bool = False
    """A driver without a table takes the devices of its own name."""


def _equal(entry: str, device: str) -> bool:
    return entry == device


def _masked(entry: str, device: str) -> bool:
    """``00041011/000fffff`` against ``00041011``."""
    value, _, mask = entry.partition("/")
    bits = int(mask or "ffffffff", 16)
    return not (int(value, 16) ^ int(device, 16)) & bits


def _fields(entry: str, device: str) -> bool:
    """``10ee:8084`` against ``10ee:8084:10ee:0001``; what is left out is any.

    The word ``vfio`` before it makes an entry override-only.
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
        fits=_equal,
        matches_by_name=True,
    ),
    # drivers/amba/bus.c amba_match(), amba_uevent()
    "amba": BusKind(
        override=Override.DECIDES,
        modalias=lambda device: f"amba:d{int(device, 16):08X}",
        fits=_masked,
        shows_modalias=False,
    ),
    # drivers/bus/fsl-mc/fsl-mc-bus.c fsl_mc_bus_match(), modalias_show()
    "fsl-mc": BusKind(
        override=Override.DECIDES, modalias=_fsl_mc_modalias, fits=_equal
    ),
    # drivers/cdx/cdx.c cdx_bus_match(), modalias_show()
    "cdx": BusKind(override=Override.NARROWS, modalias=_cdx_modalias, fits=_fields),
    # drivers/s390/cio/css.c css_bus_match(), modalias_show()
    "css": BusKind(
        override=Override.NARROWS,
        modalias=lambda device: f"css:t{int(device, 16):01X}",
        fits=_equal,
    ),
    # drivers/s390/crypto/ap_bus.c ap_bus_match(), ap_uevent()
    "ap": BusKind(
        override=Override.ABSENT,
        modalias=lambda device: f"ap:t{int(device, 16):02X}",
        fits=_equal,
    ),
    # drivers/vfio/mdev/mdev_driver.c mdev_match(): nothing
    "mdev": BusKind(
        override=Override.ABSENT,
        modalias=lambda device: "",
        fits=lambda entry, device: False,
        shows_modalias=False,
    ),
}
"""Buses by name."""


class OtherDevice(Device):
    """A device on a bus other than PCI."""

    __slots__ = ("bus_name", "id")

    def __init__(self, bus_name: str, name: str, identity: str, devpath: str) -> None:
        super().__init__(name, devpath)
        self.bus_name = bus_name
        self.id = identity
        """What drivers match, in the bus's own form."""

    @property
    def modalias(self) -> str:
        """Text of the modalias; empty on a bus that has none."""
        return BUS_KINDS[self.bus_name].modalias(self.id)

    def uevent_variables(self) -> tuple[tuple[str, str], ...]:
        """Return nothing: such a bus adds ``MODALIAS`` only."""
        return ()


class OtherBus(Bus[OtherDevice]):
    """A bus other than PCI."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        super().__init__(kernel, name)
        self.kind = BUS_KINDS[name]

    def match(self, driver: Driver, device: OtherDevice) -> PciId | None:
        """Return a stand-in for an entry if the driver takes the device.

        Source: as in :data:`BUS_KINDS`. Rules: R-OTHER-1, R-OTHER-2.
        """
        override = device.driver_override
        if override is not None:
            if override != driver.name.encode():
                return None
            if self.kind.override is Override.DECIDES:
                return _MATCHED
        return _MATCHED if self._in_table(driver, device) else None

    def _in_table(self, driver: Driver, device: OtherDevice) -> bool:
        table = driver.spec.match
        if device.driver_override is None:
            table = tuple(one for one in table if not one.startswith("vfio "))
        if not table and self.kind.matches_by_name:
            return driver.name == device.id
        return any(self.kind.fits(entry, device.id) for entry in table)

    def add(self, name: str, identity: str, *, iommu: bool = False) -> OtherDevice:
        """Add a device and probe it.

        ``.auto`` at the end of a name is replaced by the lowest free number and
        ``.auto``.

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
            self.kernel.iommu.add(device, devpath)
        self.add_device(device)
        if self.autoprobe:
            self.probe(device)
        return device


_PARENTS = {"css": "css0", "fsl-mc": "platform/soc/dprc.1", "cdx": "cdx-00"}
"""Directory below ``/sys/devices`` in which a bus's devices lie, if not its name."""
