"""From the name of a module or driver to the driver's directory.

Pure: names in, names out. ``_`` never becomes ``-``: only the host knows which of them
a driver name has.
"""

from __future__ import annotations

from resolver.errors import NotFoundError

__all__ = ["directory_names", "pick_driver"]


def directory_names(name: str) -> tuple[str, ...]:
    """Return the driver directories to try, in this order.

    The name itself, then the name with ``_`` for every ``-``: most drivers have the
    name of their module, and module names have no dashes.

    :param name: name of a module or driver, from an alias or the user.
    """
    return tuple(dict.fromkeys((name, name.replace("-", "_"))))


def pick_driver(
    module: str, drivers: tuple[str, ...], *, bus: str, bound: str | None
) -> str:
    """Return the driver of a module to bind to.

    The bound one, else the one with the module's name, else the only one with "vfio"
    in its name.

    :param drivers: names in ``/sys/module/<module>/drivers/<bus>:*``.
    :param bound: driver that the device is bound to.
    :raises NotFoundError: the module has no driver, or several that match equally.
    """
    if not drivers:
        raise NotFoundError(
            f"module {module} is loaded, but has no driver for bus {bus!r}",
            hint="name another driver with --driver NAME",
        )
    if len(drivers) == 1:
        return drivers[0]
    if bound is not None and bound in drivers:
        return bound
    alike = [name for name in drivers if name.replace("-", "_") == module]
    vfio = [name for name in drivers if "vfio" in name]
    for choices in (alike, vfio):
        if len(choices) == 1:
            return choices[0]
    raise NotFoundError(
        f"module {module} has several drivers for bus {bus!r}: {', '.join(drivers)}",
        hint=f"name one with --driver NAME, such as --driver {drivers[0]}",
    )
