"""What came of a device."""

from __future__ import annotations

from dataclasses import dataclass

from resolver.changes.journal import Record
from resolver.changes.node_owner import Given
from resolver.changes.plan import Step
from resolver.device import Device
from resolver.matching.select import Choice
from resolver.persistence.persist import Persisted

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done with a device, or would be."""

    device: Device
    """As it was before."""
    driver: str | None
    """Driver that has the device now, or would have it; ``None``: none, or its
    name is not known before its module is loaded."""
    changed: bool
    """Something was written; in a dry run: would be."""
    choice: Choice | None = None
    """Why this driver; ``None`` where none was chosen."""
    steps: tuple[Step, ...] = ()
    """What was done or would be, in order."""
    undo: tuple[Step, ...] = ()
    """What takes all steps back."""
    notes: tuple[str, ...] = ()
    """What else there is to know."""
    remembered: Record | None = None
    """How it was remembered before."""
    given: tuple[Given, ...] = ()
    """Nodes that were handed over."""
    persisted: Persisted | None = None
    """How it was made persistent; ``None``: that was not asked for."""
