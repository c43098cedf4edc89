"""Devices on a bus: what every kind has in common.

Plain values that the bus changes; a device by itself does nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simkernel.model.core.driver import Driver
    from simkernel.model.vfio.iommu import IommuGroup

__all__ = ["Device"]


class Device:
    """A device as the driver core sees it."""

    __slots__ = (
        "dead",
        "devpath",
        "driver",
        "driver_override",
        "iommu_group",
        "is_locked",
        "name",
        "power",
        "vfio_index",
    )

    def __init__(self, name: str, devpath: str) -> None:
        self.name = name
        """Name on its bus, for PCI ``0000:3b:00.2``."""
        self.devpath = devpath
        """Path below ``/sys``, beginning with ``/devices/``."""
        self.driver: Driver | None = None
        self.driver_override: bytes | None = None
        """Name of the only driver that may bind, as written; None: any."""
        self.iommu_group: IommuGroup | None = None
        self.vfio_index: int | None = None
        """N of ``vfio-dev/vfioN`` while bound to a VFIO driver."""
        self.power: dict[str, str] = {}
        """What was set below ``power/``, and in that of its VFIO device."""
        self.is_locked = False
        """An operation on it is under way: see :mod:`simkernel.model.core.lock`."""
        self.dead = False
        """Removed from its bus."""

    @property
    def modalias(self) -> str:
        """Text of the ``modalias`` file, without newline."""
        raise NotImplementedError

    def uevent_variables(self) -> tuple[tuple[str, str], ...]:
        """Return what the bus adds to the device's uevents, ``MODALIAS`` last."""
        raise NotImplementedError
