"""Notifier chain: tell observers what an operation changed.

An observer keeps something that depends on the kernel's state, such as a cache of
names, or acts in the background as a daemon does.

Source: kernel/notifier.c; drivers/base/bus.c bus_notify(); kernel/module/main.c
register_module_notifier().
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

__all__ = ["Change", "Kind", "Notice", "Notifier", "Observer"]


class Kind(Enum):
    """Kind of object that a notice names."""

    DEVICE = "device on a bus"
    DRIVER = "driver of a bus"
    MODULE = "kernel module"
    NODE = "device node"


class Change(Enum):
    """What happened to the object."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "its links, its directories or its owner changed"


class Notice(NamedTuple):
    """One change of the names that the kernel's file systems show."""

    change: Change
    kind: Kind
    path: str
    """Path below ``/sys``; of a node, below ``/dev``."""


class Observer:
    """Base of observers; override the methods that you need."""

    def changed(self, notice: Notice) -> None:
        """Take note of a change, perhaps in the middle of an operation."""

    def operation_ended(self) -> None:
        """Act in the background, after an operation that user space started."""


class Notifier:
    """The observers of one kernel."""

    __slots__ = ("_observers",)

    def __init__(self) -> None:
        self._observers: list[Observer] = []

    def subscribe(self, observer: Observer) -> None:
        """Add an observer of all later changes."""
        self._observers.append(observer)

    def unsubscribe(self, observer: Observer) -> None:
        """Remove an observer.

        :raises ValueError: the observer was not subscribed.
        """
        self._observers.remove(observer)

    def notify(self, change: Change, kind: Kind, path: str) -> None:
        """Send a notice to every observer."""
        for observer in self._observers:
            observer.changed(Notice(change, kind, path))

    def end_operation(self) -> None:
        """Tell every observer that an operation has ended."""
        for observer in self._observers:
            observer.operation_ended()
