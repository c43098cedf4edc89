"""Which parts of a scenario a real kernel in QEMU supports.

Refusals stop a run before the guest boots. Other unsupported parts are reported, and
the rest of the scenario is used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from simkernel.errors import UsageError
from simkernel.fronts.vm.machine.hardware import Bdf
from simkernel.scenario.schema import DeviceEntry, Scenario

__all__ = ["is_kernel_path", "left_out", "refusals", "supported_part"]

_BUSES = frozenset({"platform"})
"""Buses that a PC has besides PCI."""

_COMMAND_LINE = "intel_iommu=on iommu=pt"
"""The guest kernel's options for its IOMMU."""


def is_kernel_path(path: str) -> bool:
    """Whether a path is in a file system whose content the kernel provides."""
    return path.startswith(("/sys/", "/proc/", "/dev/"))


def refusals(scenario: Scenario) -> list[str]:
    """Return why a guest cannot run a scenario, one line each; empty: it can."""
    return [*_buses(scenario), *_addresses(scenario), *_groups(scenario)]


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
            yield f"bus {bus} ({', '.join(names)}): not on a PC"


def _addresses(scenario: Scenario) -> Iterator[str]:
    for one in scenario.devices:
        try:
            Bdf.parse(one.address)
        except UsageError as error:
            yield str(error)
        if one.secondary_bus and not one.express:
            yield f"{one.address}: QEMU's ports are PCI Express"


def _groups(scenario: Scenario) -> Iterator[str]:
    """Refuse groups across slots: only functions of one slot can lack ACS together."""
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
            yield (
                f"iommu_group {number} ({names}): only functions of one slot can "
                "share a group"
            )


def left_out(scenario: Scenario) -> list[str]:
    """Return the parts of a scenario that the guest does not get, one line each."""
    return [
        *_hardware(scenario),
        *_added(scenario),
        *_software(scenario),
        *_modules(scenario),
    ]


def _hardware(scenario: Scenario) -> Iterator[str]:
    names = [one.netdev for one in scenario.devices if one.netdev]
    names += [
        one.sriov.vf_netdev
        for one in scenario.devices
        if one.sriov is not None and one.sriov.vf_netdev
    ]
    if names:
        yield f"no network interfaces ({', '.join(names)}): stub drivers create none"
    if scenario.other_devices:
        devices = ", ".join(one.name for one in scenario.other_devices)
        yield f"no other devices ({devices}): the guest has its own"
    if scenario.owned_groups:
        numbers = ", ".join(map(str, scenario.owned_groups))
        yield f"no owned_groups ({numbers}): no process opens a group"


def _added(scenario: Scenario) -> Iterator[str]:
    """Name the keys about users of devices, and about faulty functions."""
    keys = {
        "directories": scenario.directories,
        "nodes": tuple(one.path for one in scenario.nodes),
        "processes": tuple(str(one.pid) for one in scenario.processes),
        "addresses": tuple(one.address for one in scenario.addresses),
    }
    for key, names in keys.items():
        if names:
            yield f"no {key} ({', '.join(names)}): the guest has its own"
    if scenario.container:
        yield "no container: programs see the whole guest"
    for one in scenario.devices:
        if not one.answers:
            yield f"{one.address} answers: QEMU emulates no function without registers"
        if not one.iommu and scenario.kernel.iommu:
            yield f"{one.address} has an IOMMU group: QEMU's IOMMU has all functions"
        if one.reserved_regions:
            yield f"{one.address} has no reserved_regions: the firmware names none"


def _software(scenario: Scenario) -> Iterator[str]:
    if scenario.faults:
        yield "no faults: a real kernel cannot be made to refuse"
    paths = [one for one in scenario.files if is_kernel_path(one)]
    paths += list(scenario.links)
    if paths:
        yield f"no files and links ({', '.join(paths)}): the kernel shows its own"
    if scenario.kernel.lockdown:
        yield "no kernel.lockdown: it would refuse the scenario's unsigned modules"
    if scenario.udev:
        yield "no udev: the guest does not run it"
    if scenario.kernel.vfio_cdev:
        yield "no kernel.vfio_cdev: the kernel's own configuration applies"


def _modules(scenario: Scenario) -> Iterator[str]:
    for module in scenario.modules:
        if module.vanishes:
            yield f"module {module.name} does not vanish"
        if module.late_ms:
            yield f"module {module.name}: its drivers appear without delay"


def supported_part(scenario: Scenario) -> Scenario:
    """Return a scenario without the parts that :func:`left_out` names.

    Both kernels get this scenario when they are compared.
    """
    return replace(
        scenario,
        kernel=replace(
            scenario.kernel, vfio_cdev=False, lockdown="", cmdline=_COMMAND_LINE
        ),
        modules=tuple(
            replace(one, vanishes=False, late_ms=0) for one in scenario.modules
        ),
        files={
            path: text
            for path, text in scenario.files.items()
            if not is_kernel_path(path)
        },
        links={},
        directories=(),
        nodes=(),
        processes=(),
        addresses=(),
        container=False,
        devices=tuple(
            replace(one, answers=True, iommu=True, reserved_regions=())
            for one in scenario.devices
        ),
        other_devices=(),
        owned_groups=(),
        faults=(),
        udev=False,
    )
