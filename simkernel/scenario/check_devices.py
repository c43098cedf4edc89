"""Check the PCI functions of a scenario."""

from __future__ import annotations

from collections.abc import Iterator

from simkernel.model.pci.function import PciAddress
from simkernel.scenario import schema
from simkernel.suggest import did_you_mean

__all__ = ["check_devices"]


def check_devices(scenario: schema.Scenario) -> Iterator[str]:
    """Yield every problem found, as ``place: problem``."""
    places = {one.address: n for n, one in enumerate(scenario.devices)}
    buses: dict[tuple[int, int], str] = {}
    for index, device in enumerate(scenario.devices):
        where = f"devices[{index}]"
        address = PciAddress.parse(device.address)
        if str(address) != device.address:
            yield f"{where}.address: {device.address} is not canonical; write {address}"
        if places[device.address] != index:
            yield f"{where}.address: duplicate address {device.address}"
        yield from _group(where, device)
        if device.secondary_bus:
            yield from _bridge(where, device, address, buses)
        if device.sriov is not None:
            yield from _sriov(where, device.sriov)
            if not device.express:
                yield f"{where}.express: SR-IOV requires a PCI Express function"
    yield from _created_domains(scenario)
    yield from _virtual_functions(scenario)
    yield from _drivers_known(scenario)


def _group(where: str, device: schema.DeviceEntry) -> Iterator[str]:
    """Check the keys about a function's IOMMU group."""
    if device.iommu_group is not None and device.iommu_group < 0:
        yield f"{where}.iommu_group: {device.iommu_group} is below 0"
    if device.iommu_group is not None and not device.iommu:
        yield f"{where}.iommu_group: a function without iommu has no group"
    for index, text in enumerate(device.reserved_regions):
        start, end, _ = text.split()
        if int(start, 16) > int(end, 16):
            yield f"{where}.reserved_regions[{index}]: {start} is above {end}"
    if device.reserved_regions and not device.iommu:
        yield f"{where}.reserved_regions: a function without iommu has no group"


def _created_domains(scenario: schema.Scenario) -> Iterator[str]:
    """Check the functions whose drivers create PCI domains."""
    domains: dict[int, str] = {}
    known = [one.address for one in scenario.devices]
    for index, device in enumerate(scenario.devices):
        where, creator = f"devices[{index}].created_by", device.created_by
        domain = PciAddress.parse(device.address).domain
        other = domains.setdefault(domain, creator)
        if other != creator:
            yield (
                f"{where}: all functions of domain {domain:04x} must be created by "
                f"the same function, not by {creator or 'none'} and {other or 'none'}"
            )
        if creator and creator not in known:
            yield f"{where}: no device {creator}{did_you_mean(creator, known)}"
        elif creator and PciAddress.parse(creator).domain >= domain:
            yield f"{where}: domain {domain:04x} must be above the domain of {creator}"


def _bridge(
    where: str,
    device: schema.DeviceEntry,
    address: PciAddress,
    buses: dict[tuple[int, int], str],
) -> Iterator[str]:
    """Check the number of the bus behind a bridge."""
    behind = int(device.secondary_bus, 16)
    if behind <= address.bus:
        yield (
            f"{where}.secondary_bus: {device.secondary_bus} is not above "
            f"{address.bus:02x}, the bus of the bridge"
        )
    other = buses.setdefault((address.domain, behind), device.address)
    if other != device.address:
        yield f"{where}.secondary_bus: {device.secondary_bus} is behind {other} already"


def _sriov(where: str, sriov: schema.Sriov) -> Iterator[str]:
    if not 0 <= sriov.enabled <= sriov.total_vfs <= 65535:
        yield (
            f"{where}.sriov: enabled must be 0 to total_vfs, and total_vfs at "
            "most 65535"
        )
    if sriov.offset < 1 or sriov.stride < 1:
        yield f"{where}.sriov: offset and stride must be at least 1"
    for number, special in enumerate(sriov.vfs):
        if not 0 <= special.index < sriov.enabled:
            yield (
                f"{where}.sriov.vfs[{number}].index: must be below enabled "
                f"({sriov.enabled})"
            )


def _virtual_functions(scenario: schema.Scenario) -> Iterator[str]:
    """Check the addresses of virtual functions."""
    taken = {PciAddress.parse(one.address): "" for one in scenario.devices}
    for index, device in enumerate(scenario.devices):
        where, sriov = f"devices[{index}].sriov", device.sriov
        if sriov is None or not 0 <= sriov.total_vfs <= 65535 or sriov.offset < 1:
            continue
        first = PciAddress.parse(device.address).routing_id_plus(sriov.offset)
        for number in range(sriov.total_vfs):
            address = first.routing_id_plus(number * sriov.stride)
            if address.bus > 0xFF:
                yield f"{where}: virtual function {number} would be beyond bus ff"
                break
            if taken.setdefault(address, device.address) != device.address:
                yield (
                    f"{where}: virtual function {number} would have the address "
                    f"{address} of another function"
                )
                break


def _drivers_known(scenario: schema.Scenario) -> Iterator[str]:
    """Check that each driver of a device is registered at boot."""
    present = _present(scenario)
    for index, device in enumerate(scenario.devices):
        wanted = [(f"devices[{index}].driver", device.driver)]
        if device.sriov is not None:
            base = f"devices[{index}].sriov"
            wanted.append((f"{base}.vf_driver", device.sriov.vf_driver))
            wanted += [
                (f"{base}.vfs[{number}].driver", one.driver)
                for number, one in enumerate(device.sriov.vfs)
            ]
        for where, name in wanted:
            if name is not None and name not in ("none", *present):
                yield (
                    f"{where}: no loaded or built-in module has a driver {name}"
                    f"{did_you_mean(name, present)}"
                )


def _present(scenario: schema.Scenario) -> set[str]:
    """Return the names of the PCI drivers registered at boot."""
    modules = {one.name: one for one in scenario.modules}
    pending = [*scenario.loaded, *(one.name for one in modules.values() if one.builtin)]
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name in modules and name not in seen:
            seen.add(name)
            pending += modules[name].depends
    return {
        driver.name
        for name in seen
        for driver in modules[name].drivers
        if driver.bus == "pci"
    }
