"""What of a scenario a real kernel in QEMU cannot have.

Refusals stop before anything is booted. What is left out is told, and the rest of the
scenario stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from simkernel.errors import UsageError
from simkernel.fronts.vm.machine.hardware import Place
from simkernel.scenario.schema import DeviceEntry, Scenario

__all__ = ["is_kernels", "left_out", "refusals"]

_BUSES = frozenset({"platform"})
"""Buses beside PCI whose devices can be had on a PC."""


def is_kernels(path: str) -> bool:
    """Tell whether a path is in a file system that shows what the kernel has."""
    return path.startswith(("/sys/", "/proc/", "/dev/"))


def refusals(scenario: Scenario) -> list[str]:
    """Return why a scenario cannot be had at all, a line each; none: it can."""
    return [*_buses(scenario), *_places(scenario), *_groups(scenario)]


def _buses(scenario: Scenario) -> Iterator[str]:
    needed: dict[str, list[str]] = defaultdict(list)
    for one in scenario.other_devices:
        needed[one.bus].append(one.name)
    for module in scenario.modules:
        for driver in module.drivers:
            if driver.bus not in ("pci", *_BUSES):
                needed[driver.bus].append(f"driver {driver.name}")
    for bus, names in needed.items():
        if bus not in _BUSES:
            yield f"bus {bus} ({', '.join(names)}): a PC has none"


def _places(scenario: Scenario) -> Iterator[str]:
    for one in scenario.devices:
        try:
            Place.parse(one.address)
        except UsageError as error:
            yield str(error)
        if one.secondary_bus and not one.express:
            yield f"{one.address}: QEMU's ports are PCI Express"


def _groups(scenario: Scenario) -> Iterator[str]:
    """Only functions of one slot can share a group: by lacking ACS."""
    if not scenario.kernel.iommu:
        return
    members: dict[int, list[DeviceEntry]] = defaultdict(list)
    for one in scenario.devices:
        if one.iommu_group is not None:
            members[one.iommu_group].append(one)
    for number, devices in members.items():
        slots = {one.address.rpartition(".")[0] for one in devices}
        if len(slots) > 1:
            names = ", ".join(one.address for one in devices)
            yield f"iommu_group {number} ({names}): only one device's functions can"


def left_out(scenario: Scenario) -> list[str]:
    """Return what of a scenario is not there, a line each."""
    return [*_hardware(scenario), *_software(scenario), *_modules(scenario)]


def _hardware(scenario: Scenario) -> Iterator[str]:
    names = [one.netdev for one in scenario.devices if one.netdev]
    names += [
        one.sriov.vf_netdev
        for one in scenario.devices
        if one.sriov is not None and one.sriov.vf_netdev
    ]
    if names:
        yield f"no network interfaces ({', '.join(names)}): a stub driver makes none"
    if scenario.other_devices:
        devices = ", ".join(one.name for one in scenario.other_devices)
        yield f"no other devices ({devices}): the guest has its own"
    if scenario.owned_groups:
        numbers = ", ".join(map(str, scenario.owned_groups))
        yield f"owned_groups ({numbers}): no process has a group open"


def _software(scenario: Scenario) -> Iterator[str]:
    if scenario.faults:
        yield "faults: the kernel refuses only by its own reasons"
    paths = [one for one in scenario.files if is_kernels(one)] + list(scenario.links)
    if paths:
        yield f"files and links ({', '.join(paths)}): the kernel shows what it has"
    if scenario.kernel.lockdown:
        yield "kernel.lockdown: a locked kernel would not load the scenario's modules"
    if scenario.udev:
        yield "udev: none runs"
    if scenario.kernel.vfio_cdev:
        yield "kernel.vfio_cdev: the kernel is what it was built as"


def _modules(scenario: Scenario) -> Iterator[str]:
    for module in scenario.modules:
        if module.vanishes:
            yield f"module {module.name} does not vanish"
        if module.late_ms:
            yield f"module {module.name}: its drivers appear at once"
