"""Generate host drivers, rivals and dependencies of a trial."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from simkernel.model.core.features import Features
from simkernel.scenario import specs
from simkernel.scenario.schema import DriverEntry, ModuleEntry
from simkernel.scenario.schema.modules import PciIdEntry
from simkernel.trial.alias import DeviceIds, parse_alias
from simkernel.trial.driver_module import DriverModule
from simkernel.trial.kernel_modules import KernelModules

__all__ = ["Target", "driver_module_entry", "generated_aliases", "host_modules"]

_DRIVER_NAMES = {"virtio_pci": "virtio-pci"}
"""Host drivers whose name differs from that of their module, by module."""
_PERMANENT = ("virtio_pci",)
"""Modules that the guest of the vm tier itself requires, so they are always loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An alias of a tested module, and its generated device."""

    address: str
    alias: str
    ids: DeviceIds
    physical: DeviceIds | None
    """Ids of its physical function; None: the device is no virtual function."""
    module: DriverModule

    def functions(self) -> list[DeviceIds]:
        """Return the ids of the device and of its physical function."""
        return [self.ids] if self.physical is None else [self.physical, self.ids]


def driver_module_entry(module: DriverModule) -> ModuleEntry:
    """Return the scenario entry of a tested module.

    If the kernel's build generates exactly its aliases from ids, the entry has only the
    ids. Otherwise it has the aliases verbatim, and the ids decoded from them.
    """
    entries = [parse_alias(one) for one in module.aliases]
    ids = tuple(one.id_entry() for one in reversed(entries) if one is not None)
    others = tuple(
        alias
        for alias, entry in zip(module.aliases, entries, strict=True)
        if entry is None
    )
    drivers = tuple(
        DriverEntry(
            name=name,
            ids=ids,
            vfio=module.uses_vfio,
            sriov=not module.is_vfio,
            exports_ids=number == 0,
        )
        for number, name in enumerate(module.drivers)
    )
    whole = ModuleEntry(
        name=module.name,
        path=f"updates/{module.file_name}",
        aliases=others,
        depends=tuple(module.depends),
        softdeps=tuple(module.values("softdep")),
        license=next(iter(module.values("license")), ""),
        drivers=drivers,
    )
    if [*others, *generated_aliases(ids)] == module.aliases:
        return whole
    silent = tuple(replace(one, exports_ids=False) for one in drivers)
    return replace(whole, aliases=tuple(module.aliases), drivers=silent)


def host_modules(
    targets: Sequence[Target],
    tested: Sequence[DriverModule],
    installed: KernelModules,
    vfio: Iterable[str],
) -> Iterator[ModuleEntry]:
    """Yield the modules that are neither tested nor VFIO's.

    :param installed: the kernel's own modules.
    :param vfio: names of VFIO's modules.
    """
    known = {*vfio, *(one.name for one in tested)}
    hosts: dict[str, dict[PciIdEntry, None]] = {}
    rivals: dict[str, dict[PciIdEntry, None]] = {}
    for target in targets:
        host = _host_module(target, tested, installed, known)
        if host is not None:
            for one in target.functions():
                entry = PciIdEntry(id=f"{one.vendor:04x}:{one.device:04x}")
                hosts.setdefault(host, {})[entry] = None
        for pattern, module in installed.for_device(target.ids.modalias("vfio_pci")):
            found = parse_alias(pattern)
            if module not in known and found is not None:
                rivals.setdefault(module, {})[found.id_entry()] = None
    for name, ids in hosts.items():
        driver = DriverEntry(
            name=_DRIVER_NAMES.get(name, name), sriov=True, ids=tuple(ids)
        )
        yield _module(name, installed, driver)
    for name, ids in rivals.items():
        rival = _module(
            name, installed, DriverEntry(name=name, vfio=True, ids=tuple(ids))
        )
        yield replace(rival, depends=("vfio_pci_core",))
    needed = [name for one in tested for name in one.depends]
    for name in dict.fromkeys(needed):
        if name not in known | {*hosts, *rivals}:
            yield ModuleEntry(name=name, path=installed.path_of(name))


def _module(name: str, installed: KernelModules, driver: DriverEntry) -> ModuleEntry:
    return ModuleEntry(
        name=name,
        path=installed.path_of(name),
        builtin=name in _PERMANENT,
        drivers=(driver,),
    )


def _host_module(
    target: Target,
    tested: Sequence[DriverModule],
    installed: KernelModules,
    known: set[str],
) -> str | None:
    """Return the module of a device's host driver; None: a tested one.

    Sources, in this order: the tested modules, the aliases of the kernel's own modules,
    the dependencies of the driver's module. Otherwise the name is invented.
    """
    device = target.ids
    for one in tested:
        entries = [parse_alias(alias) for alias in one.aliases]
        if not one.is_vfio and any(
            entry is not None and entry.may_match(device.vendor, device.device)
            for entry in entries
        ):
            return None
    for _, module in installed.for_device(device.modalias()):
        if module not in known:
            return module
    needed = [one for one in target.module.depends if one not in known]
    return needed[0] if needed else f"host_{device.vendor:04x}"


def generated_aliases(ids: Sequence[PciIdEntry]) -> list[str]:
    """Return the aliases that a build generates from ids."""
    newest = Features.of_release("999.0")
    table = ModuleEntry(
        name="m", path="m.ko", drivers=(DriverEntry(name="m", ids=tuple(ids)),)
    )
    return list(specs.module(table, newest).aliases)
