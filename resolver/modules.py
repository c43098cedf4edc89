"""Read from a host which modules are in its kernel, and which drivers they have.

Only reads: nothing here changes the host.
"""

from __future__ import annotations

from resolver.linux import Host

__all__ = ["drivers_of_module", "is_builtin", "is_loaded", "module_of_driver"]


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
