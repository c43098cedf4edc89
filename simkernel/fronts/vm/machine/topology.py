"""Plans the machine for one scenario, or for several.

The firmware numbers the buses behind ports in order of address. If a scenario needs
a higher number, filler ports consume the numbers in between.

Source: SeaBIOS, src/fw/pciinit.c, pci_bios_init_bus_rec.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from simkernel.errors import UsageError
from simkernel.fronts.vm.machine.hardware import (
    DOWNSTREAM,
    ROOT_PORT,
    UPSTREAM,
    Bdf,
    Machine,
    Port,
)
from simkernel.scenario.schema import Scenario

__all__ = ["plan_machine", "plan_machines"]

_BELOW = {ROOT_PORT: UPSTREAM, UPSTREAM: DOWNSTREAM, DOWNSTREAM: UPSTREAM}
"""Kind of bridge on the bus behind another kind."""

_OWN_OPTIONS = frozenset(
    {
        *("BOOT_IMAGE", "console", "init", "initrd", "panic", "quiet"),
        *("amd_iommu", "intel_iommu", "iommu"),
        *("ro", "root", "rootflags", "rootfstype", "rw"),
    }
)
"""Kernel options that the guest sets itself."""


def plan_machines(
    scenarios: Iterable[Scenario],
) -> list[tuple[Machine, list[Scenario]]]:
    """Return machines for all scenarios; each joins the first machine that fits.

    :raises UsageError: no machine is possible for one of them.
    """
    found: list[tuple[Machine, list[Scenario]]] = []
    for scenario in scenarios:
        alone = plan_machine([scenario])
        for index, (_, others) in enumerate(found):
            try:
                found[index] = plan_machine([*others, scenario]), [*others, scenario]
            except UsageError:
                continue
            break
        else:
            found.append((alone, [scenario]))
    return found


def plan_machine(scenarios: Sequence[Scenario]) -> Machine:
    """Return the machine that has the buses of all given scenarios.

    :raises UsageError: no such machine is possible.
    """
    if len({one.kernel.iommu for one in scenarios}) > 1:
        raise UsageError("the scenarios differ in whether they have an IOMMU")
    arguments = {_arguments(one) for one in scenarios}
    if len(arguments) > 1:
        raise UsageError("the scenarios have different kernel command lines")
    bridges: dict[Bdf, int] = {}
    roots: set[int] = set()
    for scenario in scenarios:
        _add(scenario, bridges, roots)
    for bus in roots & set(bridges.values()):
        raise UsageError(f"bus {bus:02x} is a root bus and behind a bridge")
    ports = _ports(bridges, sorted(roots | {0}))
    places = [Bdf.parse(device.address) for one in scenarios for device in one.devices]
    return Machine(
        iommu=all(one.kernel.iommu for one in scenarios),
        root_buses=tuple(sorted(roots - {0})),
        ports=tuple(ports),
        arguments=arguments.pop(),
        fillers=tuple(one.place for one in ports if one.place not in bridges),
        used_slots=frozenset(
            place.slot
            for place in (*places, *(one.place for one in ports))
            if place.bus == 0
        ),
    )


def _arguments(scenario: Scenario) -> tuple[str, ...]:
    """Return the scenario's kernel options that do not concern the machine."""
    words = scenario.kernel.cmdline.split()
    return tuple(one for one in words if one.partition("=")[0] not in _OWN_OPTIONS)


def _add(scenario: Scenario, bridges: dict[Bdf, int], roots: set[int]) -> None:
    """Add the bridges and root buses of a scenario.

    :raises UsageError: they contradict those already added.
    """
    places = {Bdf.parse(one.address) for one in scenario.devices}
    behind = {
        Bdf.parse(one.address): int(one.secondary_bus, 16)
        for one in scenario.devices
        if one.secondary_bus
    }
    roots |= {place.bus for place in places} - set(behind.values())
    for place, bus in behind.items():
        if bridges.setdefault(place, bus) != bus:
            known = bridges[place]
            raise UsageError(f"bus behind {place} is {known:02x} and {bus:02x}")
    if len(set(bridges.values())) < len(bridges):
        raise UsageError("two bridges lead to the same bus")


def _ports(bridges: Mapping[Bdf, int], roots: Sequence[int]) -> list[Port]:
    """Return all ports ordered by secondary bus, fillers included.

    :raises UsageError: the firmware would number a bus differently.
    """
    ports: list[Port] = []
    for index, root in enumerate(roots):
        used = _number_behind(root, root, ROOT_PORT, bridges, ports)
        if index + 1 < len(roots) and used >= roots[index + 1]:
            raise UsageError(f"bus {used:02x} would be behind a bridge and a root bus")
    return ports


def _number_behind(
    bus: int, used: int, kind: str, bridges: Mapping[Bdf, int], ports: list[Port]
) -> int:
    """Add the ports on a bus and behind it; return the last bus number in use.

    :param used: the last bus number in use before.
    """
    free = Bdf(bus, 0, 0)
    for place in sorted(one for one in bridges if one.bus == bus):
        wanted = bridges[place]
        while used + 1 < wanted and free.slot < place.slot:
            if free != Bdf(0, 0, 0):  # address of the host bridge
                used += 1
                ports.append(Port(free, kind, used))
            free = Bdf(bus, free.slot + 1, 0)
        if used + 1 != wanted:
            raise UsageError(
                f"{place}: QEMU's firmware would number the bus behind it "
                f"{used + 1:02x}, not {wanted:02x}"
            )
        if place.function and Bdf(bus, place.slot, 0) not in bridges:
            raise UsageError(f"{place}: function 0 of its slot must be a bridge, too")
        ports.append(Port(place, kind, wanted))
        used = _number_behind(wanted, wanted, _BELOW[kind], bridges, ports)
        free = Bdf(bus, place.slot + 1, 0)
    return used
