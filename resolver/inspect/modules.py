"""Modules of a host: aliases, drivers, states. Only reads."""

from __future__ import annotations

from resolver.linux import Host
from resolver.matching import alias_files, intree
from resolver.matching.alias_index import Aliases, AliasLookup
from resolver.matching.module_lists import builtin_modules

__all__ = [
    "drivers_of_module",
    "is_builtin",
    "is_coming",
    "is_loaded",
    "module_of_driver",
    "read_aliases",
]


def is_loaded(host: Host, module: str) -> bool:
    """Return whether ``/sys/module`` shows a module, loaded or built in.

    The kernel does not show built-in modules without parameter, version and driver.
    """
    return host.is_there(f"{host.sys}/module/{module}")


def is_coming(host: Host, module: str) -> bool:
    """Return whether the init function of a module runs.

    ``/sys/module`` shows the module before, and its drivers not yet.

    Source: Linux, kernel/module/main.c, load_module(), ``MODULE_STATE_COMING``.
    """
    return host.attribute(f"{host.sys}/module/{module}/initstate") == "coming"


def is_builtin(host: Host, module: str) -> bool:
    """Return whether ``/sys/module`` shows a module as built in.

    Source: Linux, kernel/module/main.c, ``modinfo_initstate``: only loadable modules
    have an ``initstate``.
    """
    path = f"{host.sys}/module/{module}"
    return host.is_there(path) and not host.is_there(f"{path}/initstate")


def drivers_of_module(host: Host, module: str, bus: str) -> tuple[str, ...]:
    """Return the drivers that a module has registered on a bus, sorted.

    Source: Linux, kernel/params.c and drivers/base/module.c, module_add_driver().
    """
    links = host.names(f"{host.sys}/module/{module}/drivers")
    return tuple(link.partition(":")[2] for link in links if link.startswith(f"{bus}:"))


def module_of_driver(host: Host, bus: str, driver: str) -> str | None:
    """Return the module of a registered driver; ``None`` if unknown."""
    return host.link_name(f"{host.sys}/bus/{bus}/drivers/{driver}/module")


def read_aliases(
    host: Host, directory: str | None, *, is_running: bool = False
) -> Aliases:
    """Return the VFIO aliases of a kernel's module directory.

    :param directory: ``/lib/modules/<release>``; ``None`` if there is none.
    :param is_running: ``/sys/module`` shows the same kernel.
    """
    if directory is None:
        reason = "the host has no module directory: no variant driver can be found"
        return Aliases(AliasLookup(()), notes=(reason,), is_complete=False)
    notes: tuple[str, ...] = ()
    reading = alias_files.Reading((), ())
    path = f"{directory}/modules.alias"
    data = host.read_if_there(path)
    if data is None:
        notes = (f"{path} is missing: no variant driver can be found",)
    else:
        reading = alias_files.read_modules_alias(data, path)
    path = f"{directory}/modules.builtin.modinfo"
    listed = alias_files.read_builtin_modinfo(host.read_if_there(path) or b"\0", path)
    entries = reading.entries + listed.entries
    entries += intree.builtin_entries(
        builtin=builtin_modules(
            host.read_if_there(f"{directory}/modules.builtin") or b""
        ),
        resident=_resident(host, data is None) if is_running else (),
        listed={entry.module for entry in entries},
    )
    return Aliases(
        AliasLookup(entries),
        reading.warnings + listed.warnings,
        notes,
        is_complete=data is not None,
    )


# Variants in the kernel whose aliases no file lists: built-in ones, and where
# modules.alias is missing also those that are loaded.
def _resident(host: Host, has_no_aliases: bool) -> tuple[str, ...]:
    is_there = is_loaded if has_no_aliases else is_builtin
    return tuple(name for name in intree.PCI_VARIANTS if is_there(host, name))
