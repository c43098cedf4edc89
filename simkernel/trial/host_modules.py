"""The modules that a given one finds on its host: base drivers, rivals, libraries."""

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

_CALLED = {"virtio_pci": "virtio-pci"}
"""Base drivers that are not called as their modules."""
_PERMANENT = ("virtio_pci",)
"""Modules that the vm tier's guest itself lives on: there, they are always loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One alias of a given module, and the device that is made for it."""

    address: str
    alias: str
    wanted: DeviceIds
    physical: DeviceIds | None
    """The physical function, of which the device is a virtual one; None: it is none."""
    module: DriverModule

    def functions(self) -> list[DeviceIds]:
        """Return the device and what it is a part of."""
        return [self.wanted] if self.physical is None else [self.physical, self.wanted]


def driver_module_entry(module: DriverModule) -> ModuleEntry:
    """Return a given module as a scenario has it, without its file.

    Where its aliases are just what the kernel's build makes of ids, it has the ids;
    otherwise the aliases as they are, and the ids that they seem to stand for.
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
    given: Sequence[DriverModule],
    stock: KernelModules,
    there: Iterable[str],
) -> Iterator[ModuleEntry]:
    """Yield the modules that must be there beside the given ones and VFIO's.

    :param there: names of VFIO's modules.
    """
    known = {*there, *(one.name for one in given)}
    bases: dict[str, dict[PciIdEntry, None]] = {}
    rivals: dict[str, dict[PciIdEntry, None]] = {}
    for target in targets:
        base = _base(target, given, stock, known)
        if base is not None:
            for one in target.functions():
                entry = PciIdEntry(id=f"{one.vendor:04x}:{one.device:04x}")
                bases.setdefault(base, {})[entry] = None
        for pattern, module in stock.for_device(target.wanted.modalias("vfio_pci")):
            found = parse_alias(pattern)
            if module not in known and found is not None:
                rivals.setdefault(module, {})[found.id_entry()] = None
    for name, ids in bases.items():
        driver = DriverEntry(name=_CALLED.get(name, name), sriov=True, ids=tuple(ids))
        yield _module(name, stock, driver)
    for name, ids in rivals.items():
        rival = _module(name, stock, DriverEntry(name=name, vfio=True, ids=tuple(ids)))
        yield replace(rival, depends=("vfio_pci_core",))
    needed = [name for one in given for name in one.depends]
    for name in dict.fromkeys(needed):
        if name not in known | {*bases, *rivals}:
            yield ModuleEntry(name=name, path=stock.path_of(name))


def _module(name: str, stock: KernelModules, driver: DriverEntry) -> ModuleEntry:
    return ModuleEntry(
        name=name,
        path=stock.path_of(name),
        builtin=name in _PERMANENT,
        drivers=(driver,),
    )


def _base(
    target: Target, given: Sequence[DriverModule], stock: KernelModules, known: set[str]
) -> str | None:
    """Return the module of the host's driver for a device; None: a given one has it.

    Who says so is, in this order: a module that was given too, the kernel's aliases,
    what the driver's module depends on. Otherwise one is made up.
    """
    device = target.wanted
    for one in given:
        entries = [parse_alias(alias) for alias in one.aliases]
        if not one.is_vfio and any(
            entry is not None and entry.is_for(device.vendor, device.device)
            for entry in entries
        ):
            return None
    for _, module in stock.for_device(device.modalias()):
        if module not in known:
            return module
    needed = [one for one in target.module.depends if one not in known]
    return needed[0] if needed else f"host_{device.vendor:04x}"


def generated_aliases(ids: Sequence[PciIdEntry]) -> list[str]:
    """Return the aliases that the kernel's build makes of ids."""
    newest = Features.of_release("999.0")
    table = ModuleEntry(
        name="m", path="m.ko", drivers=(DriverEntry(name="m", ids=tuple(ids)),)
    )
    return list(specs.module(table, newest).aliases)
