"""Bind PCI devices to their best VFIO driver, and restore them.

:class:`Session` does what the command does. The functions are its parts. Errors are
subclasses of :class:`ResolverError`. The package prints nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resolver.changes.bind import bind, unbind
    from resolver.changes.outcome import Outcome
    from resolver.changes.restore import restore
    from resolver.device import Binding, Device, PciAddress
    from resolver.doctor.examination import examine
    from resolver.doctor.finding import Finding
    from resolver.errors import (
        BlockedError,
        FailedError,
        NotFoundError,
        NotUndoneError,
        RefusedError,
        ResolverError,
        UsageError,
    )
    from resolver.explanation import Explanation, explain
    from resolver.inspect.device_words import find_device
    from resolver.inspect.devices import all_devices
    from resolver.inspect.modules import read_aliases
    from resolver.linux import Host
    from resolver.matching.alias_index import Aliases
    from resolver.matching.select import Candidate, Choice
    from resolver.options import Grant, Options
    from resolver.persistence.persist import Persisted
    from resolver.session import Session
    from resolver.status import Status, statuses

__all__ = [
    "Aliases",
    "Binding",
    "BlockedError",
    "Candidate",
    "Choice",
    "Device",
    "Explanation",
    "FailedError",
    "Finding",
    "Grant",
    "Host",
    "NotFoundError",
    "NotUndoneError",
    "Options",
    "Outcome",
    "PciAddress",
    "Persisted",
    "RefusedError",
    "ResolverError",
    "Session",
    "Status",
    "UsageError",
    "all_devices",
    "bind",
    "examine",
    "explain",
    "find_device",
    "read_aliases",
    "restore",
    "statuses",
    "unbind",
]

_MODULES = {
    "inspect.modules": ("read_aliases",),
    "changes.bind": ("bind", "unbind"),
    "changes.outcome": ("Outcome",),
    "changes.restore": ("restore",),
    "device": ("Binding", "Device", "PciAddress"),
    "doctor.examination": ("examine",),
    "doctor.finding": ("Finding",),
    "explanation": ("Explanation", "explain"),
    "inspect.devices": ("all_devices",),
    "linux": ("Host",),
    "matching.alias_index": ("Aliases",),
    "persistence.persist": ("Persisted",),
    "matching.select": ("Candidate", "Choice"),
    "session": ("Session",),
    "inspect.device_words": ("find_device",),
    "status": ("Status", "statuses"),
    "options": ("Grant", "Options"),
}


# Each name is imported on first use: the start of the command imports the package.
def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((m for m, names in _MODULES.items() if name in names), "errors")
    return getattr(import_module(f"{__name__}.{home}"), name)
