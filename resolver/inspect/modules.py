"""Read from a host which modules are in its kernel, which drivers they have, and what
keeps others out.

Only reads: nothing here changes the host.
"""

from __future__ import annotations

from resolver.inspect import modprobe_d
from resolver.linux import Host

__all__ = [
    "drivers_of_module",
    "find_prohibition",
    "is_builtin",
    "is_loaded",
    "module_of_driver",
]


def is_loaded(host: Host, module: str) -> bool:
    """Return whether a module is in the kernel, loaded or built in, and visible.

    Built-in modules without parameters, version and driver are not visible.
    """
    return host.is_there(f"{host.sys}/module/{module}")


def is_builtin(host: Host, module: str) -> bool:
    """Return whether ``/sys/module`` shows a module to be built in.

    Source: Linux, kernel/module/main.c, ``modinfo_initstate``: loadable ones have
    an ``initstate``.
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
    """Return which module a registered driver is from; ``None``: unknown."""
    return host.link_name(f"{host.sys}/bus/{bus}/drivers/{driver}/module")


def find_prohibition(host: Host, module: str) -> modprobe_d.Prohibition | None:
    """Return what keeps modprobe from loading a module, if anything does."""
    files: dict[str, str] = {}
    for directory in host.modprobe_d:
        for name in host.names(directory):
            if name.endswith(".conf"):
                files.setdefault(name, f"{directory}/{name}")
    contents = (
        (path, host.read_if_there(path) or b"") for _, path in sorted(files.items())
    )
    found = modprobe_d.find_prohibition(contents, module)
    if found is not None:
        return found
    command_line = host.read_if_there(f"{host.proc}/cmdline") or b""
    return modprobe_d.command_line_prohibition(command_line, module)
