"""Queries of a simulated host, and changes to it from outside.

They act on the kernel model, so they are the same on every tier.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from simkernel.errors import KernelRefusal, UsageError
from simkernel.filesystems.node import Attribute
from simkernel.filesystems.sysfs.root import sysfs
from simkernel.host.content import read_path, snapshot
from simkernel.host.host import Host
from simkernel.model.core.device import Device
from simkernel.model.core.faults import Fault
from simkernel.model.core.uevent import Uevent
from simkernel.model.pci.function import PciFunction
from simkernel.scenario import schema, specs
from simkernel.scenario.check import errno_numbers
from simkernel.scenario.convert import from_data
from simkernel.suggest import did_you_mean

__all__ = ["BOOT_ID", "Controls"]

BOOT_ID = "/proc/sys/kernel/random/boot_id"
"""Differs on every host; snapshots leave it out to stay comparable."""


class Controls:
    """Queries and changes one host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._kernel = host.kernel
        self._has_iommu = bool(host.kernel.iommu.by_number)
        self._unplugged: dict[str, PciFunction] = {}
        """Unplugged functions, by address."""

    # ---- queries

    def read(self, path: str) -> str:
        """Return the text of a file below ``/sys``, ``/proc`` or ``/dev``."""
        return read_path(self._host, path)

    def tree(self) -> dict[str, str]:
        """Return every path of the kernel's file systems with its content."""
        tree = snapshot(self._host)
        tree.pop(BOOT_ID, None)
        return tree

    def driver_of(self, device: str) -> str | None:
        """Return the name of a device's driver."""
        driver = self._device(device).driver
        return driver.name if driver else None

    def group_of(self, device: str) -> int | None:
        """Return the number of a device's IOMMU group."""
        group = self._device(device).iommu_group
        return group.number if group else None

    def devices(self) -> list[str]:
        """Return the names of the devices of all buses."""
        return [name for bus in self._kernel.buses.values() for name in bus.devices]

    def modules(self) -> list[str]:
        """Return the names of the loaded modules, oldest first."""
        return list(self._kernel.modules.loaded)

    def writes(self) -> int:
        """Return the number of writes to sysfs so far, refused ones included."""
        return self._kernel.faults.writes

    def events(self) -> list[Uevent]:
        """Return the uevents since boot."""
        self._kernel.clock.tick()
        return list(self._kernel.uevents.events)

    def find_event(self, action: str, devpath: str, after: int) -> Uevent | None:
        """Return the first matching event; None: no such event yet.

        :param devpath: a pattern with ``*``, or the last component of the path.
        :param after: sequence number that the event must exceed.
        """
        for event in self.events():
            if event.seqnum > after and _is_meant(event, action, devpath):
                return event
        return None

    # ---- changes

    def write(self, path: str, text: str) -> None:
        """Write to a file below ``/sys``, as another process.

        :raises OSError: the kernel refuses the write.
        """
        tree = sysfs(self._kernel)
        node = tree.resolve(path.removeprefix("/sys"))
        if not path.startswith("/sys/") or not isinstance(node, Attribute):
            raise UsageError(f"{path}: no such file below /sys")
        if node.store is None:
            raise UsageError(f"{path}: not writable")
        try:
            node.store(text.encode())
        except KernelRefusal as refusal:
            raise OSError(refusal.errno, refusal.strerror, path) from None
        self._kernel.notifier.end_operation()

    def hotplug(self, address: str, device: dict[str, Any]) -> None:
        """Plug a function in, and rescan the bus.

        :param device: keys of ``devices`` in a scenario; empty: the unplugged
            function.
        """
        address = _full(address)
        if address in self._kernel.pci.devices:
            raise UsageError(f"{address}: function exists; unplug it first")
        function = self._unplugged.get(address)
        if device or function is None:
            function = self._function({"address": address, **device})
        where = function.address
        if not self._kernel.pci.has_bus(where.domain, where.bus):
            raise UsageError(
                f"{address}: no bus {where.domain:04x}:{where.bus:02x} on this host"
            )
        self._kernel.pci.plug(function)
        self._kernel.pci.rescan()
        self._kernel.notifier.end_operation()

    def unplug(self, address: str) -> None:
        """Unplug a function, as if the card was pulled out."""
        device = self._device(address)
        found = self._kernel.pci.devices.get(device.name)
        if found is None:
            raise UsageError(f"{address}: not a PCI function")
        if found.physfn is None:
            self._unplugged[found.name] = found.function
        self._kernel.hot_unplug(found.name)
        self._kernel.notifier.end_operation()

    def inject(
        self, at_write: int, errno: str, remove: str, path: str, data: str
    ) -> None:
        """Inject a fault before a later write; writes count from now."""
        if at_write < 1:
            raise UsageError(f"at_write={at_write}: must be 1 or more")
        if not (errno or remove or path):
            raise UsageError("inject: pass errno, remove or path")
        if errno and errno not in errno_numbers():
            close = did_you_mean(errno, errno_numbers())
            raise UsageError(f"inject: unknown errno {errno}{close}")
        if path and not path.startswith("/sys/"):
            raise UsageError(f"inject: path={path}: must be a file below /sys")
        fault = Fault(
            at_write=self._kernel.faults.writes + at_write,
            errno=errno_numbers().get(errno, 0),
            remove=self._device(remove).name if remove else "",
            path=path.removeprefix("/sys"),
            data=data.encode(),
        )
        self._kernel.faults.planned = [*self._kernel.faults.planned, fault]

    # ---- names

    def _device(self, name: str) -> Device:
        for bus in self._kernel.buses.values():
            found: Device | None = bus.devices.get(name) or bus.devices.get(_full(name))
            if found is not None:
                return found
        close = did_you_mean(_full(name), self.devices())
        raise UsageError(
            f"no device {name!r} on this host{close}",
            hint="list the devices with sim.kernel.devices",
        )

    def _function(self, device: dict[str, Any]) -> PciFunction:
        problems: list[str] = []
        keys = {name.removesuffix("_"): value for name, value in device.items()}
        entry = from_data(schema.DeviceEntry, _as_written(keys), problems)
        if problems:
            raise UsageError(f"hotplug {device['address']}: {'; '.join(problems)}")
        return specs.function(entry, iommu=self._has_iommu)


def _as_written(value: Any) -> Any:
    """Return a value as the scenario parser does: scalars become text."""
    if isinstance(value, dict):
        return {str(key): _as_written(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_as_written(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _full(address: str) -> str:
    """Return an address with its PCI domain."""
    return f"0000:{address}" if address.count(":") == 1 else address


def _is_meant(event: Uevent, action: str, devpath: str) -> bool:
    last = event.devpath.rpartition("/")[2]
    return event.action == action and (
        last in (devpath, _full(devpath)) or fnmatchcase(event.devpath, devpath)
    )
