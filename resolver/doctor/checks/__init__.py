"""Checks of the facts about a host, one subject a module.

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from resolver.doctor.checks import (
    aliases,
    configuration,
    console,
    denylist,
    interrupts,
    iommu,
    loading,
    nodes,
    release,
    trust,
    variants,
    visibility,
)
from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding

__all__ = ["judge"]

_CHECKS: Final[tuple[Callable[[Facts], Iterator[Finding]], ...]] = (
    iommu.check,
    interrupts.check,
    configuration.check,
    aliases.check,
    variants.check,
    loading.check,
    trust.check,
    denylist.check,
    console.check,
    nodes.check,
    visibility.check,
    release.check,
)

_ORDER: Final = ("problem", "warning", "note")


def judge(facts: Facts) -> tuple[Finding, ...]:
    """Return all findings about a host, the worst first."""
    found = [finding for check in _CHECKS for finding in check(facts)]
    return tuple(sorted(found, key=lambda finding: _ORDER.index(finding.severity)))
