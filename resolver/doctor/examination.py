"""Read the facts about a host for the checks. Only reads."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from resolver.device import Device
from resolver.doctor import parsing
from resolver.doctor.checks import judge
from resolver.doctor.facts import Facts, KernelConfig, ModuleFacts, Node, Wanted
from resolver.doctor.finding import Finding
from resolver.errors import NotFoundError, UsageError
from resolver.inspect import devices, iommu, modules
from resolver.inspect.in_use.framebuffers import framebuffers_in
from resolver.inspect.module_loading import find_prohibition, parameter_of
from resolver.inspect.overlay import visible_files
from resolver.inspect.visibility import unseen
from resolver.linux import Host
from resolver.linux.ownership import owner_of
from resolver.matching import modalias, select
from resolver.matching.alias_index import Aliases
from resolver.matching.iommu_setup import cpu_vendor, is_virtual
from resolver.matching.modinfo import has_signature
from resolver.matching.module_lists import module_paths

__all__ = ["examine", "facts_of"]

_Fact = TypeVar("_Fact")

_BASE = ("vfio", "vfio_iommu_type1", "vfio_pci")
"""Modules that every VFIO device needs."""

_PARAMETERS = (
    ("vfio", "enable_unsafe_noiommu_mode"),
    ("vfio_iommu_type1", "allow_unsafe_interrupts"),
    ("vfio_pci", "disable_denylist"),
)

_SECURE_BOOT = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
"""Source: UEFI Specification, Globally Defined Variables."""


def examine(host: Host, aliases: Aliases) -> tuple[Finding, ...]:
    """Return why a host cannot use VFIO, the worst finding first.

    :param aliases: aliases of the running kernel.
    """
    return judge(facts_of(host, aliases))


def facts_of(host: Host, aliases: Aliases) -> Facts:
    """Return the facts about a host.

    A file that this user may not read counts as missing.
    """
    release = host.release() or ""
    words = tuple(_text(host, f"{host.proc}/cmdline").split())
    cpu = _bytes(host, f"{host.proc}/cpuinfo")
    secure_boot = _read(host, f"{host.sys}/firmware/efi/efivars/{_SECURE_BOOT}")
    lockdown = parsing.active_lockdown(
        _text(host, f"{host.sys}/kernel/security/lockdown")
    )
    enforced = _text(host, f"{host.sys}/module/module/parameters/sig_enforce") == "Y"
    paths = tuple(_config_paths(host, release))
    wanted = tuple(_wanted(host, aliases))
    return Facts(
        release=release,
        cpu=cpu_vendor(cpu),
        is_guest=is_virtual(cpu),
        command_line=words,
        iommu_groups=_count_groups(host, wanted),
        iommu_capabilities=tuple(_capabilities(host)),
        firmware_tables=frozenset(_names(host, f"{host.sys}/firmware/acpi/tables")),
        config=_config(host, paths),
        config_paths=paths,
        wanted=wanted,
        modules=_modules(host, release, wanted, checks=bool(lockdown or enforced)),
        parameters=_parameters(host),
        lockdown=lockdown,
        is_signature_enforced=enforced,
        is_secure_boot=parsing.is_secure_boot(secure_boot),
        nodes=tuple(_nodes(host)),
        node_rules=tuple(_node_rules(host)),
        alias_notes=aliases.notes,
        alias_warnings=aliases.warnings,
        is_removed=_is_removed(host, release),
        reserved=_by_device(wanted, lambda one: iommu.reserved_memory(host, one)),
        split_by=iommu.groups_are_split(host),
        framebuffers=_by_device(wanted, lambda one: framebuffers_in(host, one.name)),
        unseen=tuple(one.text for one in unseen(host)),
    )


def _count_groups(host: Host, wanted: Sequence[Wanted]) -> int:
    listed = len(_names(host, f"{host.sys}/kernel/iommu_groups"))
    return listed or len({one.device.iommu_group for one in wanted} - {None})


def _is_removed(host: Host, release: str) -> bool:
    others = (one for one in host.releases() if one != release)
    return not host.is_installed(release) and any(map(host.is_installed, others))


def _by_device(
    wanted: Sequence[Wanted], look: Callable[[Device], _Fact | None]
) -> dict[str, _Fact]:
    found = {one.device.name: look(one.device) for one in wanted}
    return {name: fact for name, fact in found.items() if fact}


def _wanted(host: Host, aliases: Aliases) -> Iterator[Wanted]:
    for device in devices.all_devices(host):
        if device.is_bridge or device.modalias is None:
            continue
        try:
            choice = select.choose(modalias.parse(device.modalias), aliases)
        except (NotFoundError, UsageError):
            continue
        yield Wanted(device, choice.module, _missing(host, choice))


# The variant driver that Linux has for a device, if this kernel has no alias of it.
def _missing(host: Host, choice: select.Choice) -> str | None:
    from resolver.matching import intree

    variant = intree.lookup().best(choice.modalias or "")
    if variant is None:
        return None
    known = {candidate.entry.module for candidate in choice.candidates}
    is_there = variant.module in known or modules.is_loaded(host, variant.module)
    return None if is_there else variant.module


def _modules(
    host: Host, release: str, wanted: Sequence[Wanted], *, checks: bool
) -> dict[str, ModuleFacts]:
    directory = host.module_directory(release)
    files = module_paths(_bytes(host, f"{directory}/modules.dep"))
    names = sorted({*_BASE, *(one.module for one in wanted)})
    found = {}
    for name in names:
        if modules.is_loaded(host, name):
            continue
        path = f"{directory}/{files[name]}" if name in files else ""
        is_signed = None
        if checks and path:
            data = _bytes(host, path)
            is_compressed = not data.startswith(b"\x7fELF")
            is_signed = None if is_compressed else has_signature(data)
        found[name] = ModuleFacts(path, is_signed, find_prohibition(host, name))
    return found


def _parameters(host: Host) -> dict[str, str]:
    found = {
        f"{module}.{name}": parameter_of(host, module, name)
        for module, name in _PARAMETERS
    }
    return {key: value for key, value in found.items() if value is not None}


def _config_paths(host: Host, release: str) -> Iterator[str]:
    yield f"{host.proc}/config.gz"
    yield host.at(f"/boot/config-{release}")
    yield f"{host.module_directory(release)}/config"


def _config(host: Host, paths: Sequence[str]) -> KernelConfig | None:
    for path in paths:
        data = _read(host, path)
        if data is None:
            continue
        if path.endswith(".gz"):
            try:
                data = zlib.decompress(data, wbits=31)
            except zlib.error:
                continue
        return KernelConfig(path, parsing.kernel_settings(data))
    return None


# Source: Linux, drivers/iommu/intel/iommu.c, ``intel_iommu_attrs``.
def _capabilities(host: Host) -> Iterator[int]:
    directory = f"{host.sys}/class/iommu"
    for name in _names(host, directory):
        text = _text(host, f"{directory}/{name}/intel-iommu/ecap")
        with suppress(ValueError):
            yield int(text, 16)


def _nodes(host: Host) -> Iterator[Node]:
    for directory in (f"{host.dev}/vfio", f"{host.dev}/vfio/devices"):
        for name in _names(host, directory):
            path = f"{directory}/{name}"
            owner = owner_of(path) if name != "devices" else None
            if owner is not None:
                yield Node(path, owner.mode, owner.uid, owner.gid)


def _node_rules(host: Host) -> Iterator[str]:
    for path in _visible(host, host.udev_rules, ".rules"):
        if parsing.mentions_vfio(_bytes(host, path)):
            yield path


def _visible(host: Host, directories: Sequence[str], ending: str) -> tuple[str, ...]:
    return visible_files(directories, lambda one: _names(host, one), ending)


def _text(host: Host, path: str) -> str:
    return _bytes(host, path).decode("utf-8", "replace").strip()


def _bytes(host: Host, path: str) -> bytes:
    return _read(host, path) or b""


def _names(host: Host, directory: str) -> list[str]:
    try:
        return host.names(directory)
    except OSError:
        return []


def _read(host: Host, path: str) -> bytes | None:
    try:
        return host.read_if_there(path)
    except OSError:
        return None  # no permission, or the file went away
