"""Is this a kernel on which resolver has been tried?

Pure: facts in, findings out. Nothing else depends on the release: what a kernel has is
looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding

__all__ = ["CHECKED", "check"]

CHECKED: Final = ((5, 10), (7, 2))
"""Oldest and newest release whose answers to the same operations were recorded and
compared; some between them were, too."""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield that the kernel is outside of what was checked, or not known."""
    numbers = re.match(r"(\d+)\.(\d+)", facts.release)
    oldest, newest = CHECKED
    if numbers and oldest <= (int(numbers[1]), int(numbers[2])) <= newest:
        return
    yield Finding(
        id="kernel-unchecked",
        severity="note",
        message=f"resolver has been checked on Linux {oldest[0]}.{oldest[1]} to "
        f"{newest[0]}.{newest[1]}, not on {facts.release or 'an unknown release'}",
        advice=(
            "look with bind --dry-run first; each step is verified by reading in "
            "any case",
        ),
    )
