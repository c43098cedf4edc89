"""Turn recorded functions into devices of a scenario.

Virtual functions become part of the SR-IOV capability of their physical function.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from simkernel.model.pci.function import PciAddress
from simkernel.recording.functions import Function
from simkernel.scenario.schema import DeviceEntry, Sriov, VirtualFunction

__all__ = ["InterfaceNames", "devices_of"]

_MAC_IN_NAME = re.compile(r"[0-9a-f]{12}")
_LONGEST_NAME = 15


class InterfaceNames:
    """Names of network interfaces, without MAC addresses."""

    def __init__(self) -> None:
        self.replaced: dict[str, str] = {}
        """New name by original name, if that contains a MAC address or is invalid."""

    def name(self, interface: str) -> str:
        """Return the name of an interface in the scenario."""
        is_fit = len(interface) <= _LONGEST_NAME and not re.search(r"[{}:/]", interface)
        if is_fit and not _MAC_IN_NAME.search(interface):
            return interface
        return self.replaced.setdefault(interface, f"net{len(self.replaced)}")


@dataclass(frozen=True, slots=True)
class _Virtual:
    """The SR-IOV capability of a function, and its VFs."""

    sriov: Sriov
    addresses: tuple[str, ...]


def devices_of(
    functions: Sequence[Function],
    drivers: Collection[str],
    naming: InterfaceNames,
    apart: Collection[str] = (),
) -> list[DeviceEntry]:
    """Return the functions of a scenario.

    A virtual function becomes a device of its own if the SR-IOV capability cannot
    describe it, or if its physical function is in ``apart``.

    :param drivers: names of the recorded drivers.
    :param apart: addresses of physical functions.
    """
    by_address = {one.address: one for one in functions}
    parts: dict[str, _Virtual] = {}
    for one in functions:
        if one.sriov and one.address not in apart:
            found = _virtual(one, by_address, drivers, naming)
            if found is not None:
                parts[one.address] = found
    inside = {address for one in parts.values() for address in one.addresses}
    return [
        _device(one, parts.get(one.address), drivers, naming)
        for one in functions
        if one.address not in inside
    ]


def _device(
    one: Function,
    part: _Virtual | None,
    drivers: Collection[str],
    naming: InterfaceNames,
) -> DeviceEntry:
    is_bridge = one.class_.startswith("06") and one.bus_behind
    return DeviceEntry(
        address=one.address,
        id=f"{one.vendor}:{one.device}",
        subsystem=f"{one.subvendor}:{one.subdevice}",
        class_=one.class_,
        revision=one.revision,
        iommu_group=one.group,
        secondary_bus=one.bus_behind if is_bridge else "",
        reset_methods=one.reset_methods,
        express=one.is_express or part is not None,
        netdev=_netdev(one, naming),
        driver=_held_by(one, drivers),
        driver_override=one.override,
        sriov=None if part is None else part.sriov,
    )


def _held_by(one: Function, drivers: Collection[str]) -> str:
    return one.driver if one.driver in drivers else "none"


def _netdev(one: Function, naming: InterfaceNames) -> str:
    return naming.name(one.interfaces[0]) if one.interfaces else ""


def _virtual(
    physical: Function,
    functions: Mapping[str, Function],
    drivers: Collection[str],
    naming: InterfaceNames,
) -> _Virtual | None:
    """Return the SR-IOV capability; None: it is not enough."""
    virtual = [functions[one] for one in physical.virtual if one in functions]
    texts = physical.sriov
    try:
        total, offset = int(texts["totalvfs"]), int(texts.get("offset", "1"))
        stride = int(texts.get("stride", "1"))
    except (KeyError, ValueError):
        return None
    places = _places(physical, offset, stride, len(virtual))
    netdev = _pattern([_netdev(one, naming) for one in virtual])
    if places != tuple(one.address for one in virtual) or netdev is None:
        return None
    if any(_differs(one, physical, virtual[0]) for one in virtual):
        return None
    subdevice = virtual[0].subdevice if virtual else physical.subdevice
    device = virtual[0].device if virtual else texts.get("vf_device", "0")
    sriov = Sriov(
        total_vfs=total,
        vf_device=device.zfill(4),
        offset=offset,
        stride=stride,
        vf_subdevice="" if subdevice == physical.subdevice else subdevice,
        vf_netdev=netdev,
        enabled=len(virtual),
        vfs=tuple(
            VirtualFunction(
                index=index, driver=_held_by(one, drivers), driver_override=one.override
            )
            for index, one in enumerate(virtual)
        ),
    )
    return _Virtual(sriov, places)


def _places(
    physical: Function, offset: int, stride: int, count: int
) -> tuple[str, ...]:
    first = PciAddress.parse(physical.address).routing_id_plus(offset)
    return tuple(str(first.routing_id_plus(n * stride)) for n in range(count))


def _differs(one: Function, physical: Function, first: Function) -> bool:
    """Tell whether a capability cannot describe a virtual function."""
    return (
        (one.vendor, one.subvendor, one.class_, one.revision)
        != (physical.vendor, physical.subvendor, physical.class_, physical.revision)
        or (one.device, one.subdevice) != (first.device, first.subdevice)
        or len(one.interfaces) > 1
    )


def _pattern(names: Sequence[str]) -> str | None:
    """Return a pattern with ``{index}`` for the names, or None.

    A function bound to a VFIO driver has no interface, so its name may be empty.
    """
    shown = [(index, name) for index, name in enumerate(names) if name]
    if not shown:
        return ""
    index, name = shown[0]
    for found in reversed(list(re.finditer(str(index), name))):
        pattern = f"{name[: found.start()]}{{index}}{name[found.end() :]}"
        if all(pattern.format(index=number) == one for number, one in shown):
            return pattern
    return None
