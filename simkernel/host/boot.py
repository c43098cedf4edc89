"""From a scenario to a running host: boots the kernel model as the scenario says."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Callable, Iterator
from functools import partial

from simkernel.errors import KernelRefusal, ScenarioError
from simkernel.host.host import Host
from simkernel.model.kernel import Kernel
from simkernel.model.pci import sriov
from simkernel.model.pci.function import PciDevice
from simkernel.scenario import schema, specs
from simkernel.scenario.check import check

__all__ = ["boot_host"]


def boot_host(
    scenario: schema.Scenario,
    *,
    source: str = "scenario",
    kernel_class: type[Kernel] = Kernel,
) -> Host:
    """Boot the host of a scenario.

    :param source: what the scenario is called in errors.
    :param kernel_class: what its kernel is made with.
    :raises ScenarioError: its parts do not fit together.
    """
    problems = check(scenario)
    if scenario.modules_dir and not os.path.isdir(scenario.modules_dir):
        problems.append(f"modules_dir: {scenario.modules_dir}: no such directory")
    if problems:
        raise ScenarioError(source, problems)
    host = _powered_on(scenario, kernel_class)
    _find_hardware(host.kernel, scenario)
    for where, step in _steps(host.kernel, scenario):
        try:
            step()
        except KernelRefusal as refusal:
            name = errno.errorcode.get(refusal.errno or 0, str(refusal.errno))
            raise ScenarioError(
                source, [f"{where}: boot failed: {name} ({refusal.rule})"]
            ) from None
    for number in scenario.owned_groups:
        host.kernel.iommu.by_number[number].user_owned = True
    host.kernel.faults.planned = [specs.fault(one) for one in scenario.faults]
    host.kernel.uevents.start()
    return host


def _powered_on(scenario: schema.Scenario, kernel_class: type[Kernel]) -> Host:
    """Return the host with its kernel and what is built into it, and no device yet."""
    kernel = kernel_class(
        scenario.kernel.release,
        cdev=scenario.kernel.vfio_cdev,
        cmdline=scenario.kernel.cmdline,
        boot_id=str(uuid.uuid4()),
        buses=scenario.kernel.buses,
        lockdown=scenario.kernel.lockdown,
    )
    modules = tuple(specs.module(one, kernel.features) for one in scenario.modules)
    kernel.modules.available = {one.name: one for one in modules if not one.builtin}
    kernel.modules.boot([one for one in modules if one.builtin])
    host = Host(
        kernel=kernel,
        modules=tuple(
            spec
            for spec, one in zip(modules, scenario.modules, strict=True)
            if one.listed
        ),
        files={
            f"/etc/modprobe.d/{name}": text.encode()
            for name, text in scenario.modprobe_d.items()
        }
        | {path: text.encode() for path, text in scenario.files.items()},
        links=scenario.links,
        missing=scenario.missing,
        compressed=scenario.kernel.compressed_modules,
        build_folder=scenario.build_folder,
        modules_dir=scenario.modules_dir,
        environment=scenario.environment,
    )
    if scenario.udev:
        kernel.uevents.start()
        host.start_udev()
    return host


def _find_hardware(kernel: Kernel, scenario: schema.Scenario) -> None:
    for device in scenario.devices:
        kernel.pci.plug(specs.function(device, iommu=scenario.kernel.iommu))
    kernel.pci.rescan()
    for other in scenario.other_devices:
        kernel.add_other_device(specs.other_device(other))
    kernel.notifier.end_operation()


def _steps(
    kernel: Kernel, scenario: schema.Scenario
) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield what the administrator did since: place in the scenario, and the doing."""
    for index, name in enumerate(scenario.loaded):
        yield f"loaded[{index}]", partial(_load, kernel, name)
    for index, device in enumerate(scenario.devices):
        yield f"devices[{index}]", partial(_settle_function, kernel, device)


def _load(kernel: Kernel, name: str) -> None:
    """Load a module and, before it, what it needs."""
    if kernel.modules.find(name) is not None:
        return
    for needed in kernel.modules.available[name].depends:
        _load(kernel, needed)
    kernel.modules.load(name)


def _settle_function(kernel: Kernel, entry: schema.DeviceEntry) -> None:
    """Bring a function to where the scenario has it at the start."""
    device = kernel.pci.devices[entry.address]
    if entry.driver is not None:
        _settle(kernel, device, entry.driver)
    if entry.driver_override is not None:
        device.driver_override = entry.driver_override.encode()
    if entry.sriov is None or not entry.sriov.enabled:
        return
    sriov.enable(kernel.pci, device, entry.sriov.enabled)
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
