"""Convert scenario entries to specs of the kernel model."""

from __future__ import annotations

import hashlib

from simkernel.kmod import modpost
from simkernel.model.core.driver_spec import ANY_ID, DriverSpec, PciId
from simkernel.model.core.faults import Fault
from simkernel.model.core.features import Features
from simkernel.model.core.iommu import ReservedRegion
from simkernel.model.modules.spec import DeviceSpec, ModuleSpec, ParameterSpec
from simkernel.model.pci.function import PciAddress, PciFunction, SriovCapability
from simkernel.scenario import schema
from simkernel.scenario.check import errno_numbers

__all__ = ["fault", "function", "module", "other_device"]


def module(entry: schema.ModuleEntry, features: Features) -> ModuleSpec:
    """Return the spec of a module, as built for a kernel."""
    drivers = tuple(_driver(one, features) for one in entry.drivers)
    return ModuleSpec(
        name=entry.name,
        path=entry.path,
        builtin=entry.builtin,
        aliases=entry.aliases
        + modpost.aliases(
            spec
            for spec, one in zip(drivers, entry.drivers, strict=True)
            if one.exports_ids
        ),
        depends=entry.depends,
        softdeps=entry.softdeps,
        parameters=tuple(
            ParameterSpec(
                name=one.name,
                type=one.type,
                default=one.default,
                mode=int(one.mode, 8),
                description=one.description,
            )
            for one in entry.parameters
        ),
        info=_info(entry),
        drivers=drivers,
        init_errno=_errno(entry.init_errno),
        init_ms=entry.init_ms,
        late_ms=entry.late_ms,
        vanishes=entry.vanishes,
        hotplug_control=entry.hotplug_control,
        devices=tuple(other_device(one) for one in entry.devices),
    )


def _info(entry: schema.ModuleEntry) -> tuple[tuple[str, str], ...]:
    """Return the ``.modinfo`` pairs of a module.

    Source: scripts/mod/modpost.c read_symbols(): modpost adds srcversion to a module
    with a version. Rule: R-MOD-10.
    """
    texts = entry.info or {
        "license": entry.license,
        "description": entry.description,
        "version": entry.version,
    }
    info = {key: text for key, text in texts.items() if text}
    if "version" in info and not entry.builtin:
        sum_of_sources = hashlib.sha256(entry.name.encode()).hexdigest()[:23].upper()
        info.setdefault("srcversion", sum_of_sources)
    return tuple(info.items())


def other_device(entry: schema.OtherDeviceEntry) -> DeviceSpec:
    """Return the spec of a device on a bus other than PCI."""
    return DeviceSpec(bus=entry.bus, name=entry.name, id=entry.id, iommu=entry.iommu)


def _driver(entry: schema.DriverEntry, features: Features) -> DriverSpec:
    """Return the spec of a driver, as built for a kernel.

    Older kernels have no override-only ids, so tables and aliases omit them.
    """
    return DriverSpec(
        name=entry.name,
        bus=entry.bus,
        ids=tuple(
            _pci_id(one)
            for one in entry.ids
            if features.override_only_ids or not one.override_only
        ),
        match=entry.match,
        vfio=entry.vfio,
        managed_dma=entry.managed_dma,
        ports=entry.ports,
        probe_errno=_errno(entry.probe_errno),
        virtual_only=_errno(entry.virtual_only),
        probe_ms=entry.probe_ms,
        remove_ms=entry.remove_ms,
        denied=tuple(_pci_id(schema.PciIdEntry(id=one)) for one in entry.denied),
        denial_parameter=entry.denial_parameter,
        probe_parameter=entry.probe_parameter,
        sriov=entry.sriov,
        sriov_enable_parameter=entry.sriov_enable_parameter,
        sriov_result_parameter=entry.sriov_result_parameter,
        keeps_vfs_parameter=entry.keeps_vfs_parameter,
        notes_probe_in=entry.notes_probe_in,
        counts_probes_in=entry.counts_probes_in,
    )


def _pci_id(entry: schema.PciIdEntry) -> PciId:
    vendor, device = _ids(entry.id)
    subvendor, subdevice = _ids(entry.subsystem)
    class_, _, mask = entry.class_.partition("/")
    return PciId(
        vendor=vendor,
        device=device,
        subvendor=subvendor,
        subdevice=subdevice,
        class_=int(class_, 16),
        class_mask=int(mask or "ffffff", 16),
        driver_data=entry.data,
        override_only=entry.override_only,
    )


def _ids(text: str) -> tuple[int, int]:
    first, second = (
        ANY_ID if part == "*" else int(part, 16) for part in text.split(":")
    )
    return first, second


def function(entry: schema.DeviceEntry, *, iommu: bool) -> PciFunction:
    """Return the hardware of a PCI function.

    :param iommu: the host has an IOMMU that is on.
    """
    vendor, device = _ids(entry.id)
    subvendor, subdevice = _ids(entry.subsystem)
    label: object = entry.address if entry.iommu_group is None else entry.iommu_group
    return PciFunction(
        address=PciAddress.parse(entry.address),
        vendor=vendor,
        device=device,
        subvendor=subvendor,
        subdevice=subdevice,
        class_=int(entry.class_, 16),
        revision=int(entry.revision, 16),
        iommu_label=label if iommu and entry.iommu else None,
        iommu_number=entry.iommu_group,
        secondary_bus=int(entry.secondary_bus, 16) if entry.secondary_bus else None,
        sriov=None if entry.sriov is None else _capability(entry.sriov),
        reset_methods=entry.reset_methods,
        express=entry.express,
        netdev=entry.netdev,
        answers=entry.answers,
        reserved_regions=tuple(map(_region, entry.reserved_regions)),
        created_by=entry.created_by,
    )


def _region(text: str) -> ReservedRegion:
    start, end, kind = text.split()
    return ReservedRegion(int(start, 16), int(end, 16), kind)


def _capability(entry: schema.Sriov) -> SriovCapability:
    return SriovCapability(
        total_vfs=entry.total_vfs,
        offset=entry.offset,
        stride=entry.stride,
        vf_device=int(entry.vf_device, 16),
        vf_subdevice=int(entry.vf_subdevice, 16) if entry.vf_subdevice else None,
        vf_netdev=entry.vf_netdev,
    )


def fault(entry: schema.FaultEntry) -> Fault:
    """Return a planned fault."""
    return Fault(
        at_write=entry.at_write,
        errno=_errno(entry.errno),
        remove=entry.remove,
        path=entry.path.removeprefix("/sys"),
        data=entry.data.encode(),
    )


def _errno(name: str) -> int:
    """Return the number of a validated errno; 0: no name."""
    return errno_numbers().get(name, 0)
