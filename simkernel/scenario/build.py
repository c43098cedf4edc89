"""From a scenario to a running host: boots the kernel model as the scenario says."""

from __future__ import annotations

import errno
import uuid

from simkernel.errors import KernelRefusal, ScenarioError
from simkernel.model import sriov
from simkernel.model.driver import ANY_ID, DriverSpec, PciId
from simkernel.model.faults import Fault
from simkernel.model.features import Features
from simkernel.model.kernel import Kernel
from simkernel.model.module import DeviceSpec, ModuleSpec, ParameterSpec
from simkernel.model.pci import PciAddress, PciDevice, PciFunction, SriovCapability
from simkernel.scenario import modpost, schema
from simkernel.scenario.check import check, errno_numbers
from simkernel.scenario.host import Host

__all__ = ["build"]


def build(scenario: schema.Scenario, *, source: str = "scenario") -> Host:
    """Boot the host of a scenario.

    :raises ScenarioError: its parts do not fit together.
    """
    problems = check(scenario)
    if problems:
        raise ScenarioError(source, problems)
    kernel = Kernel(
        scenario.kernel.release,
        cdev=scenario.kernel.vfio_cdev,
        cmdline=scenario.kernel.cmdline,
        boot_id=str(uuid.uuid4()),
        buses=scenario.kernel.buses,
    )
    specs = tuple(_module(one, kernel.features) for one in scenario.modules)
    host = Host(
        kernel=kernel,
        modules=specs,
        files=_files(scenario),
        missing=scenario.missing,
        environment=scenario.environment,
    )
    kernel.modules.available = {one.name: one for one in specs if not one.builtin}
    kernel.modules.boot([one for one in specs if one.builtin])
    if scenario.udev:
        kernel.uevents.start()
        host.start_udev()
    for device in scenario.devices:
        kernel.pci.plug(_function(device, iommu=scenario.kernel.iommu))
    kernel.pci.rescan()
    for other in scenario.other_devices:
        kernel.add_other_device(_other_device(other))
    kernel.after_operation()
    where = ""
    try:
        for index, name in enumerate(scenario.loaded):
            where = f"loaded[{index}]"
            _load(kernel, name)
        for index, device in enumerate(scenario.devices):
            where = f"devices[{index}]"
            _settle_function(kernel, device)
    except KernelRefusal as refusal:
        name = errno.errorcode.get(refusal.errno or 0, str(refusal.errno))
        raise ScenarioError(
            source, [f"{where}: the host does not come up: {name} ({refusal.rule})"]
        ) from None
    kernel.faults.planned = [_fault(one) for one in scenario.faults]
    kernel.uevents.start()
    return host


def _files(scenario: schema.Scenario) -> dict[str, bytes]:
    return {
        f"/etc/modprobe.d/{name}": text.encode()
        for name, text in scenario.modprobe_d.items()
    }


# ---- the start


def _load(kernel: Kernel, name: str) -> None:
    """Load a module and, before it, what it needs."""
    if kernel.modules.find(name) is not None:
        return
    for needed in kernel.modules.available[name].depends:
        _load(kernel, needed)
    kernel.modules.load(name)


def _settle_function(kernel: Kernel, entry: schema.Device) -> None:
    """Bring a function to where the scenario has it at the start."""
    device = kernel.pci.devices[entry.address]
    if entry.driver is not None:
        _settle(kernel, device, entry.driver)
    if entry.driver_override is not None:
        device.driver_override = entry.driver_override.encode()
    if entry.sriov is None or not entry.sriov.enabled:
        return
    sriov.enable(kernel, device, entry.sriov.enabled)
    virtual_functions = device.sriov.virtual_functions if device.sriov else []
    if entry.sriov.vf_driver is not None:
        for virtual in virtual_functions:
            _settle(kernel, virtual, entry.sriov.vf_driver)
    for special in entry.sriov.vfs:
        virtual = virtual_functions[special.index]
        if special.driver is not None:
            _settle(kernel, virtual, special.driver)
        if special.driver_override is not None:
            virtual.driver_override = special.driver_override.encode()


def _settle(kernel: Kernel, device: PciDevice, wanted: str) -> None:
    """Bind a device to a driver (``none``: to no driver), as an administrator would."""
    if device.driver is not None and device.driver.name != wanted:
        kernel.pci.release(device)
    if wanted == "none" or device.driver is not None:
        return
    device.driver_override = wanted.encode()
    kernel.pci.bind(kernel.pci.drivers[wanted], device)
    device.driver_override = None


# ---- values


def _module(entry: schema.Module, features: Features) -> ModuleSpec:
    drivers = tuple(_driver(one, features) for one in entry.drivers)
    info = [("license", entry.license)]
    info += [
        (key, text)
        for key, text in (
            ("description", entry.description),
            ("version", entry.version),
        )
        if text
    ]
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
        info=tuple(info),
        drivers=drivers,
        init_errno=_errno(entry.init_errno),
        init_ms=entry.init_ms,
        late_ms=entry.late_ms,
        vanishes=entry.vanishes,
        hotplug_control=entry.hotplug_control,
        devices=tuple(_other_device(one) for one in entry.devices),
    )


def _other_device(entry: schema.OtherDevice) -> DeviceSpec:
    return DeviceSpec(bus=entry.bus, name=entry.name, id=entry.id, iommu=entry.iommu)


def _driver(entry: schema.Driver, features: Features) -> DriverSpec:
    """Return a driver as this kernel would have been built with it.

    Before there were override-only ids, a table could not hold any, nor a module
    their aliases.
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
        probe_errno=_errno(entry.probe_errno),
        probe_ms=entry.probe_ms,
        remove_ms=entry.remove_ms,
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


def _function(entry: schema.Device, *, iommu: bool) -> PciFunction:
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
        iommu_label=label if iommu else None,
        iommu_number=entry.iommu_group,
        secondary_bus=int(entry.secondary_bus, 16) if entry.secondary_bus else None,
        sriov=None if entry.sriov is None else _capability(entry.sriov),
        reset_methods=entry.reset_methods,
        netdev=entry.netdev,
    )


def _capability(entry: schema.Sriov) -> SriovCapability:
    return SriovCapability(
        total_vfs=entry.total_vfs,
        offset=entry.offset,
        stride=entry.stride,
        vf_device=int(entry.vf_device, 16),
        vf_subdevice=int(entry.vf_subdevice, 16) if entry.vf_subdevice else None,
        vf_netdev=entry.vf_netdev,
    )


def _fault(entry: schema.Fault) -> Fault:
    return Fault(
        at_write=entry.at_write,
        errno=_errno(entry.errno),
        remove=entry.remove,
        path=entry.path.removeprefix("/sys"),
        data=entry.data.encode(),
    )


def _errno(name: str) -> int:
    """Return the number of an errno name, 0 for none; the names were checked."""
    return errno_numbers().get(name, 0)
