"""The modules of a recorded host as a scenario has them, with their drivers."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from simkernel.recording.functions import Function
from simkernel.recording.modules import ModuleFacts
from simkernel.scenario.schema import DriverEntry, ModuleEntry, ParameterEntry
from simkernel.scenario.schema.modules import PciIdEntry
from simkernel.trial.alias import entry_of

__all__ = ["module_of", "stray_module"]

_VFIO_CORE = frozenset({"vfio", "vfio_pci_core"})
_TOLERANT = frozenset({"pcieport", "pci-pf-stub", "pci-stub", "shpchp"})
"""Host drivers that tolerate a user's device in their IOMMU group: those whose
``driver_managed_dma`` is set."""
_PARAMETER = re.compile(r"\w+")


def module_of(
    facts: ModuleFacts,
    aliases: Sequence[str],
    functions: Sequence[Function],
    names: Collection[str],
    guess: Sequence[str] = (),
) -> ModuleEntry:
    """Return a module of a scenario.

    :param aliases: those of its aliases that fit a function of the host.
    :param functions: all functions of the host.
    :param names: modules that are recorded.
    :param guess: names of its drivers, where it is not loaded and does not show them.
    """
    is_vfio = any(one.startswith("vfio_") for one in aliases) or bool(
        _VFIO_CORE & {*facts.depends}
    )
    drivers = facts.drivers or (tuple(guess) if aliases else ())
    path = facts.path or f"kernel/{facts.name}.ko"
    return ModuleEntry(
        name=facts.name,
        path=path if path.endswith(".ko") else f"{path}.ko",
        builtin=facts.is_builtin,
        listed=bool(facts.path),
        aliases=tuple(aliases),
        depends=tuple(one for one in facts.depends if one in names),
        softdeps=facts.softdeps,
        version=facts.version,
        parameters=tuple(
            ParameterEntry(
                name=name, type=_type(value), default=value, mode=f"{mode:04o}"
            )
            for name, value, mode in facts.parameters
            if _PARAMETER.fullmatch(name)
        ),
        drivers=tuple(
            _driver(name, aliases, functions, facts, is_vfio=is_vfio)
            for name in drivers
        ),
    )


def stray_module(driver: str, functions: Sequence[Function]) -> ModuleEntry:
    """Return a module for a driver of which nobody knows the module."""
    name = f"of_{re.sub('[^A-Za-z0-9_]', '_', driver)}"[:55]
    held = [one for one in functions if one.driver == driver]
    return ModuleEntry(
        name=name,
        path=f"kernel/{name}.ko",
        builtin=True,
        listed=False,
        drivers=(
            DriverEntry(
                name=driver,
                ids=_ids((), held),
                vfio=any(one.vfio_device for one in held),
                managed_dma=driver in _TOLERANT,
            ),
        ),
    )


def _driver(
    name: str,
    aliases: Sequence[str],
    functions: Sequence[Function],
    facts: ModuleFacts,
    *,
    is_vfio: bool,
) -> DriverEntry:
    held = [one for one in functions if one.driver == name]
    parameters = {one for one, _, _ in facts.parameters}
    return DriverEntry(
        name=name,
        ids=_ids(aliases, held),
        exports_ids=False,
        vfio=is_vfio or any(one.vfio_device for one in held),
        managed_dma=name in _TOLERANT,
        sriov=name == "vfio-pci" or any(one.sriov for one in held),
        sriov_enable_parameter="enable_sriov" if "enable_sriov" in parameters else "",
        denial_parameter="disable_denylist" if "disable_denylist" in parameters else "",
    )


def _ids(aliases: Sequence[str], held: Sequence[Function]) -> tuple[PciIdEntry, ...]:
    """Return what the aliases say, and the devices that it has without one of these."""
    entries = [entry for one in aliases if (entry := entry_of(one)) is not None]
    found = dict.fromkeys(entry.id_entry() for entry in reversed(entries))
    for one in held:
        ids = int(one.vendor, 16), int(one.device, 16)
        if one.override is None and not any(entry.is_for(*ids) for entry in entries):
            found[PciIdEntry(id=f"{one.vendor}:{one.device}")] = None
    return tuple(found)


def _type(value: str) -> str:
    if value in ("Y", "N"):
        return "bool"
    return "int" if re.fullmatch(r"-?\d{1,9}", value) else "charp"
