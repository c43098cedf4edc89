"""Read from a host what its kernel says about VFIO aliases.

Only reads: nothing here changes the host.
"""

from __future__ import annotations

from resolver.inspect.modules import is_builtin
from resolver.linux import Host
from resolver.matching import alias_files, intree
from resolver.matching.alias_index import Aliases, AliasLookup

__all__ = ["read_aliases"]


def read_aliases(
    host: Host, directory: str | None, *, is_running: bool = False
) -> Aliases:
    """Return what a kernel's module directory says about VFIO aliases.

    :param directory: ``/lib/modules/<release>``; ``None``: there is none.
    :param is_running: it is that of the kernel which ``/sys/module`` is about.
    """
    if directory is None:
        return Aliases(AliasLookup(()), notes=("the host has no module directory",))
    notes: tuple[str, ...] = ()
    reading = alias_files.Reading((), ())
    path = f"{directory}/modules.alias"
    data = host.read_if_there(path)
    if data is None:
        notes = (f"{path} is not there: no variant driver can be found in it",)
    else:
        reading = alias_files.read_modules_alias(data, path)
    path = f"{directory}/modules.builtin.modinfo"
    told = alias_files.read_builtin_modinfo(host.read_if_there(path) or b"\0", path)
    entries = reading.entries + told.entries
    entries += intree.builtin_entries(
        builtin=alias_files.builtin_modules(
            host.read_if_there(f"{directory}/modules.builtin") or b""
        ),
        resident=_resident(host) if is_running else (),
        told={entry.module for entry in entries},
    )
    return Aliases(AliasLookup(entries), reading.warnings + told.warnings, notes)


def _resident(host: Host) -> tuple[str, ...]:
    return tuple(name for name in intree.PCI_VARIANTS if is_builtin(host, name))
