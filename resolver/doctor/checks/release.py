"""Check that resolver has been tested on this kernel.

Pure: facts in, findings out. Nothing else depends on the release: resolver probes for
features.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding

__all__ = ["CHECKED", "check"]

CHECKED: Final = ((5, 10), (7, 2))
"""Oldest and newest release whose answers to operations were recorded and compared.

Some releases between them were, too."""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield a finding if the kernel is untested or unknown."""
    numbers = re.match(r"(\d+)\.(\d+)", facts.release)
    oldest, newest = CHECKED
    if numbers and oldest <= (int(numbers[1]), int(numbers[2])) <= newest:
        return
    yield Finding(
        id="kernel-unchecked",
        severity="note",
        message=f"resolver has been tested on Linux {oldest[0]}.{oldest[1]} to "
        f"{newest[0]}.{newest[1]}, not on {facts.release or 'an unknown release'}",
        advice=(
            "run `resolver bind --dry-run DEVICE` first; bind verifies each step in "
            "any case",
        ),
    )
