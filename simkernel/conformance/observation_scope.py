"""The part of a kernel that is observed and compared for a scenario.

A real kernel has more: devices and modules of the guest itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simkernel.model.pci.function import PciAddress, root_devpath
from simkernel.scenario.schema import DeviceEntry, Scenario

__all__ = ["ObservationScope"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationScope:
    """The objects of a scenario, and those that the kernel may add."""

    functions: tuple[str, ...]
    """Addresses of its physical functions and bridges."""
    virtual_functions: tuple[str, ...]
    """Addresses that virtual functions can have."""
    bridges: tuple[str, ...]
    top_directories: tuple[str, ...]
    """Directories below ``/sys`` of functions without a bridge above."""
    drivers: tuple[tuple[str, str], ...]
    """Bus and name of each driver."""
    modules: tuple[str, ...]
    other_devices: tuple[tuple[str, str], ...]
    """Bus and name of each device outside PCI."""
    is_in_order: bool
    """Group numbers follow the order of addresses: the scenario sets none, and has only
    one root bus."""

    @classmethod
    def of(cls, scenario: Scenario) -> ObservationScope:
        """Return the scope of a scenario."""
        behind = {one.secondary_bus for one in scenario.devices if one.secondary_bus}
        tops = [one for one in scenario.devices if _bus(one) not in behind]
        made = [one for module in scenario.modules for one in module.devices]
        return cls(
            functions=tuple(one.address for one in scenario.devices),
            virtual_functions=tuple(
                address for one in scenario.devices for address in _virtual(one)
            ),
            bridges=tuple(one.address for one in scenario.devices if one.secondary_bus),
            top_directories=tuple(
                f"{root_devpath(PciAddress.parse(one.address))}/{one.address}"
                for one in tops
            ),
            drivers=tuple(
                dict.fromkeys(
                    (driver.bus, driver.name)
                    for module in scenario.modules
                    for driver in module.drivers
                )
            ),
            modules=tuple(one.name for one in scenario.modules),
            other_devices=tuple(
                (one.bus, one.name) for one in (*scenario.other_devices, *made)
            ),
            is_in_order=len({_bus(one) for one in tops}) == 1
            and all(one.iommu_group is None for one in scenario.devices),
        )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Addresses of all functions, virtual ones included."""
        return (*self.functions, *self.virtual_functions)

    def roots(self) -> tuple[str, ...]:
        """Return the observed paths; each includes all paths below it."""
        return tuple(
            dict.fromkeys(
                [
                    *(f"/sys/bus/pci/{name}" for name in _BUS_FILES),
                    *(f"/sys/bus/pci/devices/{one}" for one in self.addresses),
                    *(f"/sys{one}" for one in self.top_directories),
                    *(f"/sys/bus/{bus}/drivers/{name}" for bus, name in self.drivers),
                    *(
                        f"/sys/bus/{bus}/devices/{name}"
                        for bus, name in self.other_devices
                    ),
                    *(
                        f"/sys/devices/{bus}/{name}"
                        for bus, name in self.other_devices
                        if bus == "platform"
                    ),
                    *(f"/sys/module/{name}" for name in self.modules),
                    "/sys/kernel/iommu_groups",
                    "/sys/class/vfio",
                    "/sys/class/vfio-dev",
                    "/sys/devices/virtual/vfio",
                    "/dev/vfio",
                    "/proc/modules",
                ]
            )
        )


_BUS_FILES = (
    "drivers_autoprobe",
    "drivers_probe",
    "rescan",
    "resource_alignment",
    "slots",
    "uevent",
)
"""Files of the PCI bus other than devices and drivers."""


def _bus(device: DeviceEntry) -> str:
    return device.address.split(":")[1]


def _virtual(device: DeviceEntry) -> Iterator[str]:
    """Yield the addresses of a function's virtual functions, enabled or not."""
    if device.sriov is None:
        return
    first = PciAddress.parse(device.address).routing_id_plus(device.sriov.offset)
    for number in range(device.sriov.total_vfs):
        yield str(first.routing_id_plus(number * device.sriov.stride))
