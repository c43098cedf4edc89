"""A module as libkmod keeps it while a command runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["InitState", "KmodModule"]


class InitState(Enum):
    """How far a module that is in the kernel has come."""

    LIVE = "live"
    COMING = "coming"
    GOING = "going"
    BUILTIN = "builtin"


@dataclass(slots=True, kw_only=True, eq=False)
class KmodModule:
    """A module; each alias of a name has its own object."""

    name: str
    """Module name."""
    alias: str | None
    """Text that was looked up; ``None`` if it was the module's name."""
    path: str | None = None
    """File; ``None``: not known yet, or there is none."""
    dependencies: list[KmodModule] | None = None
    """Dependencies from ``modules.dep``, in load order; ``None``: not read yet."""
    builtin: bool | None = None
    """Whether it is part of the kernel image; ``None``: not looked up yet."""
    install: str | None = None
    """Command of the ``install`` line through which it was found, if it was."""
    remove: str | None = None
    """Command of the ``remove`` line through which it was found, if it was."""
    visited: bool = False
    """Whether it is in the current load list."""
    required: bool = False
    """Whether its failure ends the loading: true unless it is a soft dependency."""
    ignores_command: bool = False
    """Whether it is loaded even if there is an install command."""
