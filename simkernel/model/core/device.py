"""Devices and drivers: the state that every bus shares.

A bus binds them to each other; by themselves they do nothing.

Source: include/linux/device.h, include/linux/device/driver.h.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from simkernel.model.core.driver_spec import DriverSpec, PciId
from simkernel.model.core.iommu import IommuGroup, ReservedRegion

__all__ = ["Device", "Driver", "DriverOwner"]


class DriverOwner(Protocol):
    """The module of a driver (``struct device_driver.owner``)."""

    parameters: dict[str, str]
    """Texts of the module parameters by name."""

    @property
    def name(self) -> str:
        """Name below ``/sys/module``."""

    def number(self, parameter: str) -> int:
        """Return a parameter as a number; 0: the module does not have it."""


@dataclass(slots=True, eq=False)
class Driver:
    """A driver registered on a bus."""

    spec: DriverSpec
    module: DriverOwner | None
    """Its owner; None: the driver belongs to no module."""
    dynamic_ids: list[PciId] = field(default_factory=list)
    """Ids added through ``new_id``, oldest first."""
    devices: dict[str, Device] = field(default_factory=dict)
    """Bound devices by name, in the order in which they were bound."""

    @property
    def name(self) -> str:
        """Name of the driver's directory."""
        return self.spec.name

    @property
    def devpath(self) -> str:
        """Path of the driver's directory below ``/sys``."""
        return f"/bus/{self.spec.bus}/drivers/{self.spec.name}"

    def parameter(self, name: str) -> int:
        """Return a parameter of the owner as a number; 0: none."""
        if self.module is None or not name:
            return 0
        return self.module.number(name)


class Device:
    """A device as the driver core sees it."""

    __slots__ = (
        "bus_name",
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

    def __init__(self, bus_name: str, name: str, devpath: str) -> None:
        self.bus_name = bus_name
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
        """Settings below ``power/``, of the device and of its VFIO device."""
        self.is_locked = False
        """An operation holds its lock: see :mod:`simkernel.model.core.lock`."""
        self.dead = False
        """Removed from its bus."""

    @property
    def reserved_regions(self) -> tuple[ReservedRegion, ...]:
        """Its contribution to ``reserved_regions`` of its IOMMU group."""
        return ()

    @property
    def modalias(self) -> str:
        """Text of the ``modalias`` file, without newline."""
        raise NotImplementedError
