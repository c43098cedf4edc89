"""Boot the host of a scenario."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Callable, Iterator
from functools import partial

from simkernel.errors import KernelRefusal, ScenarioError
from simkernel.host.added import added_nodes
from simkernel.host.hidden_files import hidden_files
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

    :param source: name of the scenario, for errors.
    :param kernel_class: class of its kernel.
    :raises ScenarioError: parts of the scenario contradict each other, or the kernel
        refuses a step of the boot.
    """
    problems = check(scenario)
    if scenario.modules_dir and not os.path.isdir(scenario.modules_dir):
        problems.append(f"modules_dir: {scenario.modules_dir}: no such directory")
    if problems:
        raise ScenarioError(source, problems)
    host = _host_without_devices(scenario, kernel_class)
    _discover_devices(host.kernel, scenario)
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
    if problems := list(hidden_files(host, scenario)):
        raise ScenarioError(source, problems)
    host.kernel.faults.planned = [specs.fault(one) for one in scenario.faults]
    host.kernel.uevents.start()
    return host


def _host_without_devices(
    scenario: schema.Scenario, kernel_class: type[Kernel]
) -> Host:
    """Return the host before device discovery."""
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
        added=added_nodes(scenario),
        container=scenario.container,
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


def _discover_devices(kernel: Kernel, scenario: schema.Scenario) -> None:
    for device in scenario.devices:
        kernel.pci.plug(specs.function(device, iommu=scenario.kernel.iommu))
    kernel.pci.rescan()
    for other in scenario.other_devices:
        kernel.add_other_device(specs.other_device(other))
    kernel.notifier.end_operation()


def _steps(
    kernel: Kernel, scenario: schema.Scenario
) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the steps after device discovery, with their places."""
    for index, name in enumerate(scenario.loaded):
        yield f"loaded[{index}]", partial(_load, kernel, name)
    for index, device in enumerate(scenario.devices):
        yield f"devices[{index}]", partial(_set_up_function, kernel, device)


def _load(kernel: Kernel, name: str) -> None:
    """Load a module after its dependencies."""
    if kernel.modules.find(name) is not None:
        return
    for needed in kernel.modules.available[name].depends:
        _load(kernel, needed)
    kernel.modules.load(name)


def _set_up_function(kernel: Kernel, entry: schema.DeviceEntry) -> None:
    """Give a function its driver, override and virtual functions."""
    device = kernel.pci.devices.get(entry.address)
    if device is None:  # no driver creates its domain
        return
    if entry.driver is not None:
        _bind(kernel, device, entry.driver)
    if entry.driver_override is not None:
        device.driver_override = entry.driver_override.encode()
    if entry.sriov is None or not entry.sriov.enabled:
        return
    sriov.enable(kernel.pci, device, entry.sriov.enabled)
    virtual_functions = device.sriov.virtual_functions if device.sriov else []
    if entry.sriov.vf_driver is not None:
        for virtual in virtual_functions:
            _bind(kernel, virtual, entry.sriov.vf_driver)
    for special in entry.sriov.vfs:
        virtual = virtual_functions[special.index]
        if special.driver is not None:
            _bind(kernel, virtual, special.driver)
        if special.driver_override is not None:
            virtual.driver_override = special.driver_override.encode()


def _bind(kernel: Kernel, device: PciDevice, wanted: str) -> None:
    """Bind a device by an override; ``none``: unbind it."""
    if device.driver is not None and device.driver.name != wanted:
        kernel.pci.release(device)
    if wanted == "none" or device.driver is not None:
        return
    device.driver_override = wanted.encode()
    kernel.pci.bind(kernel.pci.drivers[wanted], device)
    device.driver_override = None
