"""From the name of a module or driver to the name of the driver's directory.

Pure: what exists on the host comes in as names. ``_`` is never turned into ``-``:
nothing says where a name has dashes, only the host knows.
"""

from __future__ import annotations

from resolver.errors import NotFoundError

__all__ = ["directory_names", "pick_driver"]


def directory_names(name: str) -> tuple[str, ...]:
    """Return the driver directories to look for first, in this order.

    The name itself, then the name with ``_`` for every ``-``: most drivers are
    called like their modules, and modules never have dashes.

    :param name: name of a module or driver, as an alias or a person gave it.
    """
    return tuple(dict.fromkeys((name, name.replace("-", "_"))))


def pick_driver(
    module: str, drivers: tuple[str, ...], *, bus: str, bound: str | None
) -> str:
    """Return which of the drivers of a module is meant.

    The one that has the device already, else the one called like the module,
    else the only one with "vfio" in its name.

    :param drivers: names in ``/sys/module/<module>/drivers/<bus>:*``.
    :param bound: driver that the device is bound to.
    :raises NotFoundError: the module has no driver, or several that fit as well.
    """
    if not drivers:
        raise NotFoundError(
            f"module {module} is loaded, but it has no driver for bus {bus!r}",
            hint="name another one with --driver NAME",
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
        hint=f"say which one with --driver NAME, such as --driver {drivers[0]}",
    )
