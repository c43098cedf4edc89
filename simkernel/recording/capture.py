"""Record a host, and compare the booted scenario with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from simkernel.errors import SimkernelError, UsageError
from simkernel.host.boot import boot_host
from simkernel.recording import configuration
from simkernel.recording.aliases import fitting_aliases
from simkernel.recording.devices import InterfaceNames, devices_of
from simkernel.recording.drivers import module_of, names_in_file, stray_module
from simkernel.recording.functions import Function, read_functions
from simkernel.recording.host_files import HostReader
from simkernel.recording.modules import HostModules
from simkernel.scenario.render import TemplateParameter
from simkernel.scenario.schema import ModuleEntry, Scenario
from simkernel.scenario.schema.kernel import KernelImage
from simkernel.scenario.write import part, template_text

__all__ = ["RecordedHost", "record"]

_DRIVERS = "/sys/bus/pci/drivers"


@dataclass(frozen=True, slots=True)
class RecordedHost:
    """A recorded host."""

    scenario: Scenario
    notes: tuple[str, ...]
    """Differences between scenario and host, one line each."""

    def text(self) -> str:
        """Return the scenario as a template."""
        one = self.scenario
        kernel = part("kernel", one.kernel)
        release = f"release: {one.kernel.release}\n"
        body = kernel.replace(release, "release: {{ release }}\n", 1)
        for key in ("modules", "loaded", "devices", "modprobe_d", "files", "missing"):
            body += part(key, getattr(one, key))
        parameter = TemplateParameter(
            default=one.kernel.release, description="kernel release"
        )
        return template_text(
            f"A recorded host with {len(one.devices)} PCI devices.",
            {"release": parameter},
            body,
            comment="\n".join(("Written by `simkernel record`.", *self.notes)),
        )


def record(root: str = "") -> RecordedHost:
    """Record a host. Changes nothing on it.

    :param root: directory with a copy of its files; empty: the running host.
    :raises UsageError: the host has no PCI bus, no kernel release, or does not boot as
        a scenario.
    """
    host = HostReader(root)
    release = _release(host, root)
    functions = read_functions(host)
    modules = HostModules(host, f"/lib/modules/{release}")
    entries = _modules(host, modules, functions)
    names = {one.name for one in entries if not one.builtin}
    everything = {one.name for one in entries}
    modprobe = configuration.modprobe_files(host, everything)
    scenario = Scenario(
        kernel=_kernel(host, release, functions, everything),
        modules=tuple(entries),
        loaded=tuple(one for one in modules.loaded if one in names),
        modprobe_d=_below(modprobe, inside=True),
        files=_below(modprobe, inside=False),
        missing=tuple(modules.missing()),
    )
    return _with_devices(scenario, functions, InterfaceNames())


def _below(files: Mapping[str, str], *, inside: bool) -> dict[str, str]:
    """Return files in ``/etc/modprobe.d`` by name, or the others."""
    folder = "/etc/modprobe.d/"
    return {
        path.removeprefix(folder): text
        for path, text in files.items()
        if path.startswith(folder) is inside
    }


def _release(host: HostReader, root: str) -> str:
    """Return the kernel's release.

    :raises UsageError: the host has no PCI bus, or no kernel release.
    """
    release = host.release()
    if not host.is_there("/sys/bus/pci/devices"):
        raise UsageError(f"no PCI bus: {root}/sys/bus/pci/devices does not exist")
    if not release:
        raise UsageError(
            f"unknown kernel release: {root}/proc/sys/kernel/osrelease does not exist"
        )
    return release


def _kernel(
    host: HostReader, release: str, functions: Sequence[Function], names: set[str]
) -> KernelImage:
    text = host.text("/sys/kernel/security/lockdown")
    lockdown = text.partition("[")[2].partition("]")[0]
    return KernelImage(
        release=release,
        iommu=any(one.group is not None for one in functions),
        vfio_cdev=host.is_there("/dev/vfio/devices"),
        cmdline=configuration.command_line(host, names),
        lockdown="" if lockdown == "none" else lockdown,
    )


def _modules(
    host: HostReader, modules: HostModules, functions: Sequence[Function]
) -> list[ModuleEntry]:
    """Return the modules of VFIO and of the devices."""
    aliases = fitting_aliases(
        host, modules.folder, (one.modalias for one in functions if one.modalias)
    )
    owners: dict[str, str] = {}
    for driver in host.names(_DRIVERS):
        module = host.link_name(f"{_DRIVERS}/{driver}/module").replace("-", "_")
        if "vfio" in driver + module or any(one.driver == driver for one in functions):
            owners[driver] = module
    wanted = [*aliases, *(one for one in owners.values() if one)]
    wanted += [one for one in modules.loaded if one.startswith("vfio")]
    names = modules.with_dependencies(wanted)
    found = [
        module_of(
            modules.facts(name),
            aliases.get(name, ()),
            functions,
            names,
            guess=names_in_file(host, modules, name),
        )
        for name in names
    ]
    known = {driver.name for one in found for driver in one.drivers}
    found += [stray_module(one, functions) for one in owners if one not in known]
    return found


def _with_devices(
    scenario: Scenario, functions: Sequence[Function], naming: InterfaceNames
) -> RecordedHost:
    """Return a scenario with its devices.

    If the virtual functions of a physical function boot with differences, they become
    devices of their own.
    """
    drivers = _present(scenario)
    apart: set[str] = set()
    while True:
        devices = tuple(devices_of(functions, drivers, naming, apart))
        whole = replace(scenario, devices=devices)
        differences = _differences(whole, functions)
        owners = {one.physical for one, _ in differences if one.physical} - apart
        if not owners:
            break
        apart |= owners
    notes = [f"{one.address}: {text}" for one, text in differences]
    notes += [
        f"interface {new}: renamed, because its name contains a MAC address"
        for new in naming.replaced.values()
    ]
    notes += [
        f"{one}: its virtual functions are recorded as devices of their own"
        for one in sorted(apart)
    ]
    return RecordedHost(whole, tuple(notes))


def _present(scenario: Scenario) -> set[str]:
    """Return the names of the drivers registered at boot."""
    loaded = {*scenario.loaded}
    return {
        driver.name
        for one in scenario.modules
        if one.builtin or one.name in loaded
        for driver in one.drivers
    }


def _differences(
    scenario: Scenario, functions: Sequence[Function]
) -> list[tuple[Function, str]]:
    """Return the differences between booted scenario and host."""
    try:
        kernel = boot_host(scenario, source="the recorded host").kernel
    except SimkernelError as error:
        raise UsageError(f"cannot boot this host as a scenario: {error}") from None
    found = []
    for one in functions:
        device = kernel.pci.devices.get(one.address)
        if device is None:
            found.append((one, "is missing"))
            continue
        driver = device.driver.name if device.driver else ""
        group = device.iommu_group.number if device.iommu_group else None
        if driver != one.driver:
            found.append(
                (one, f"has driver {driver or '-'} instead of {one.driver or '-'}")
            )
        if group != one.group:
            found.append((one, f"is in IOMMU group {group} instead of {one.group}"))
        if len(one.interfaces) > 1:
            found.append(
                (one, f"has 1 network interface instead of {len(one.interfaces)}")
            )
        if not device.driver and one.interfaces:
            found.append((one, "has no network interface"))
    return found
