"""Turn recorded modules into modules of a scenario."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from simkernel.errors import UsageError
from simkernel.recording.functions import Function
from simkernel.recording.host_files import HostReader
from simkernel.recording.modules import HostModules, ModuleFacts
from simkernel.scenario.schema import DriverEntry, ModuleEntry, ParameterEntry
from simkernel.scenario.schema.modules import PciIdEntry
from simkernel.trial.alias import parse_alias
from simkernel.trial.decompress import decompressed
from simkernel.trial.driver_names import driver_names

__all__ = ["module_of", "names_in_file", "stray_module"]

_VFIO_CORE = frozenset({"vfio", "vfio_pci_core"})
_TOLERANT = frozenset({"pcieport", "pci-pf-stub", "pci-stub", "shpchp"})
"""Host drivers with ``driver_managed_dma``: VFIO accepts them in a group in use."""
_PARAMETER = re.compile(r"\w+")
_SUFFIXES = ("", ".xz", ".zst", ".gz")
_KNOWN = {"vfio_pci": "vfio-pci"}
"""Drivers whose name differs from that of their module, by module."""


def module_of(
    facts: ModuleFacts,
    aliases: Sequence[str],
    functions: Sequence[Function],
    names: Collection[str],
    guess: Sequence[str] = (),
) -> ModuleEntry:
    """Return a module of a scenario.

    :param aliases: those of its aliases that match a function of the host.
    :param functions: all functions of the host.
    :param names: names of the recorded modules.
    :param guess: names of its drivers, if it is not loaded.
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
    """Return an invented module for a driver without module."""
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
    """Return the ids in aliases, and of other bound devices."""
    entries = [entry for one in aliases if (entry := parse_alias(one)) is not None]
    found = dict.fromkeys(entry.id_entry() for entry in reversed(entries))
    for one in held:
        ids = int(one.vendor, 16), int(one.device, 16)
        if one.override is None and not any(entry.may_match(*ids) for entry in entries):
            found[PciIdEntry(id=f"{one.vendor}:{one.device}")] = None
    return tuple(found)


def _type(value: str) -> str:
    if value in ("Y", "N"):
        return "bool"
    return "int" if re.fullmatch(r"-?\d{1,9}", value) else "charp"


def names_in_file(host: HostReader, modules: HostModules, name: str) -> tuple[str, ...]:
    """Return the names of the drivers that a module registers.

    If its file contains none, or pyelftools is not installed, the result is the name of
    the module, which most drivers share.
    """
    path = modules.rows.get(name, ("", ()))[0]
    for suffix in _SUFFIXES if path else ():
        data = host.data(f"{modules.folder}/{path}{suffix}")
        if data is None:
            continue
        try:
            found = driver_names(decompressed(data, path), path)
        except UsageError:
            break
        if found:
            return found
    return (_KNOWN.get(name, name),)
