"""A finding about a host. Pure: values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Severity"]

Severity = Literal["problem", "warning", "note"]
"""``problem``: devices cannot be bound or used; ``warning``: some cannot, or not
safely; ``note``: for information."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A state of the host, and how to fix it."""

    id: str
    """Stable name; docs/doctor.md has a row for each."""
    severity: Severity
    message: str
    """One line: the state, and its effect."""
    advice: tuple[str, ...] = ()
    """How to fix it, one line for each step or alternative; empty if it is no fault."""
    devices: tuple[str, ...] = ()
    """Names of the affected devices; empty for the whole host."""
