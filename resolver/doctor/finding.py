"""One thing that a person should know about a host.

Pure: values only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Severity"]

Severity = Literal["problem", "warning", "note"]
"""``problem``: devices cannot be bound or used; ``warning``: some cannot, or not
safely; ``note``: good to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is so, and what to do."""

    id: str
    """Stable name; docs/doctor.md has a row for each."""
    severity: Severity
    message: str
    """One line: what is so, and what follows from it."""
    advice: tuple[str, ...] = ()
    """What to do, one line for each way or step; none: nothing needs to be done."""
    devices: tuple[str, ...] = ()
    """Names of the devices that it is about; none: the whole host."""
