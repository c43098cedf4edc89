"""Find, bind and give back the best VFIO driver of a PCI device."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resolver.aliases import read_aliases
    from resolver.binding import Outcome, bind, restore, unbind
    from resolver.device import Binding, Device, PciAddress
    from resolver.errors import (
        FailedError,
        NotFoundError,
        NotUndoneError,
        RefusedError,
        ResolverError,
        UsageError,
    )
    from resolver.explanation import Explanation, explain
    from resolver.inventory import all_devices, find_device
    from resolver.linux import Host
    from resolver.lookup import Aliases
    from resolver.selection import Candidate, Choice

__all__ = [
    "Aliases",
    "Binding",
    "Candidate",
    "Choice",
    "Device",
    "Explanation",
    "FailedError",
    "Host",
    "NotFoundError",
    "NotUndoneError",
    "Outcome",
    "PciAddress",
    "RefusedError",
    "ResolverError",
    "UsageError",
    "all_devices",
    "bind",
    "explain",
    "find_device",
    "read_aliases",
    "restore",
    "unbind",
]

_MODULES = {
    "aliases": ("read_aliases",),
    "binding": ("Outcome", "bind", "restore", "unbind"),
    "device": ("Binding", "Device", "PciAddress"),
    "explanation": ("Explanation", "explain"),
    "inventory": ("all_devices", "find_device"),
    "linux": ("Host",),
    "lookup": ("Aliases",),
    "selection": ("Candidate", "Choice"),
}


# Importing the package imports nothing else: the command starts with it, and no
# command needs all of it.
def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((m for m, names in _MODULES.items() if name in names), "errors")
    return getattr(import_module(f"{__name__}.{home}"), name)
