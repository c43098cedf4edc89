"""The initial state of devices: drivers, overrides, virtual functions."""

from __future__ import annotations

import errno
from pathlib import Path

from simkernel.fronts.vm.machine.guest import Guest
from simkernel.host.boot import boot_host
from simkernel.model.pci.function import PciAddress
from simkernel.scenario.schema import DeviceEntry, Scenario, Sriov

__all__ = ["STOCK", "InitialState", "stub_file"]

STOCK = "/run/simkernel/stock"
"""Mount point of the kernel's own module directory in the guest."""

_DEVICES = "/sys/bus/pci/devices"
_PF_STUB = "kernel/drivers/pci/pci-pf-stub.ko"
_SUFFIXES = ("", ".xz", ".gz", ".zst")


def stub_file(stock: Path) -> str:
    """Return the path of the module ``pci-pf-stub`` in the guest.

    :param stock: the kernel's own module directory on the host.
    """
    for suffix in _SUFFIXES:
        if (stock / f"{_PF_STUB}{suffix}").exists():
            return f"{STOCK}/{_PF_STUB}{suffix}"
    return f"{STOCK}/{_PF_STUB}"


class InitialState:
    """Brings devices into the state in which the scenario starts.

    :param stub: path of ``pci-pf-stub`` in the guest.
    """

    def __init__(self, guest: Guest, stub: str) -> None:
        self._guest = guest
        self._stub = stub
        self._notes: list[str] = []

    def apply(self, scenario: Scenario) -> list[str]:
        """Bring all devices into their initial state.

        :return: deviations from the scenario, one line each.
        :raises GuestError: the kernel refuses a step.
        """
        for device in scenario.devices:
            self._apply_to(device.address, device.driver, device.driver_override)
            if device.sriov is not None and device.sriov.enabled:
                self._enable(device, device.sriov)
        return [*self._notes, *self._differences(scenario)]

    def _apply_to(self, address: str, driver: str | None, override: str | None) -> None:
        if driver is not None:
            self._bind(address, driver)
        if override is not None:
            self._write(address, "driver_override", override)

    def _bind(self, address: str, driver: str) -> None:
        """Bind a device to a driver; ``none`` unbinds it."""
        now = self.driver_of(address)
        if now not in ("", driver):
            self._write(address, "driver/unbind", address)
        if driver == "none" or now == driver:
            return
        self._write(address, "driver_override", driver)
        self._probe(address)
        self._write(address, "driver_override", "\n")

    def _enable(self, device: DeviceEntry, sriov: Sriov) -> None:
        """Enable virtual functions, and bring them into their initial state."""
        address, wanted = device.address, str(sriov.enabled)
        if self._refusal(address, "sriov_numvfs", wanted) == errno.ENOENT:
            self._bind_to_stub(device)
            self._write(address, "sriov_numvfs", wanted)
        first = PciAddress.parse(address).routing_id_plus(sriov.offset)
        places = [
            str(first.routing_id_plus(number * sriov.stride))
            for number in range(sriov.enabled)
        ]
        for place in places:
            self._apply_to(place, sriov.vf_driver, None)
        for special in sriov.vfs:
            place = places[special.index]
            self._apply_to(place, special.driver, special.driver_override)

    def _bind_to_stub(self, device: DeviceEntry) -> None:
        """Bind a function without a driver to ``pci-pf-stub``, which enables VFs."""
        address = device.address
        self._guest.do([{"op": "insert", "path": self._stub}])
        self._write(address, "driver_override", "pci-pf-stub")
        self._probe(address)
        self._write(address, "driver_override", device.driver_override or "\n")
        self._notes.append(
            f"{address} is bound to pci-pf-stub, which enables its virtual functions: "
            "no driver of the scenario is bound to it"
        )

    def driver_of(self, address: str) -> str:
        """Return the name of a device's driver; empty: none."""
        path = f"{_DEVICES}/{address}/driver"
        state = self._guest.call("observe", roots=[path], skip=[])["state"]
        return str(state.get(path, "")).rpartition("/")[2]

    def _differences(self, scenario: Scenario) -> list[str]:
        """Compare drivers and groups with those of the simulated kernel."""
        lines, mismatches = [], set()
        for device in boot_host(scenario).kernel.pci.devices.values():
            wanted = device.driver.name if device.driver else ""
            found = self.driver_of(device.name)
            if found != wanted:
                actual, expected = found or "no driver", wanted or "none"
                lines.append(
                    f"{device.name} starts with {actual} instead of {expected}"
                )
            group = device.iommu_group
            members = frozenset(self._group_of(device.name))
            if group is not None and members != group.devices.keys():
                mismatches.add(members)
        lines += [f"same IOMMU group: {', '.join(sorted(one))}" for one in mismatches]
        return lines

    def _group_of(self, address: str) -> list[str]:
        """Return the devices in a device's IOMMU group."""
        root = f"{_DEVICES}/{address}/iommu_group/devices"
        state = self._guest.call("observe", roots=[root], skip=[])["state"]
        return [one.rpartition("/")[2] for one in state if not one.endswith("/")]

    def _probe(self, address: str) -> None:
        write = {"op": "write", "path": "/sys/bus/pci/drivers_probe", "data": address}
        self._guest.do([write])

    def _refusal(self, address: str, name: str, data: str) -> int:
        """Write to a file of a device; return the errno, 0 on success."""
        path = f"{_DEVICES}/{address}/{name}"
        write = {"op": "write", "path": path, "data": data}
        answer = self._guest.call("execute", operations=[write])["answers"][0]
        return int(answer["errno"])

    def _write(self, address: str, name: str, data: str) -> None:
        path = f"{_DEVICES}/{address}/{name}"
        self._guest.do([{"op": "write", "path": path, "data": data}])
