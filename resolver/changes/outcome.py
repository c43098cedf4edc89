"""Result of a change of a device."""

from __future__ import annotations

from dataclasses import dataclass

from resolver.changes.journal import Record
from resolver.changes.node_owner import OwnedNode
from resolver.changes.plan import Step
from resolver.device import Device
from resolver.matching.select import Choice
from resolver.persistence.persist import Persisted

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Changes made to a device, or planned in a dry run."""

    device: Device
    """The device before the change."""
    driver: str | None
    """Driver after the change; ``None``: none, or not known before a load."""
    changed: bool
    """Something was written, or would be in a dry run."""
    choice: Choice | None = None
    """Reason for the driver; ``None``: no driver was chosen."""
    steps: tuple[Step, ...] = ()
    """Steps done or planned, in order."""
    undo: tuple[Step, ...] = ()
    """Steps that undo all of them, in order."""
    notes: tuple[str, ...] = ()
    """Remarks for the user."""
    previous_record: Record | None = None
    """Record before the change."""
    given: tuple[OwnedNode, ...] = ()
    """Nodes whose owner changed."""
    persisted: Persisted | None = None
    """How it was made persistent; ``None``: not requested."""
