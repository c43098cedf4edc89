"""Transcripts of operations on a kernel, and their comparison.

A transcript has one JSON object a line: what was done (``op``, ``path``, ``data``)
and what came of it: ``res``, ``ret``, ``out``, ``err``, ``state``, ``uevents``,
and of modules, which are ``loaded``. Numbers that a kernel hands out by chance are not
compared.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["FIELDS", "FieldDifference", "compare", "parse"]

FIELDS = ("res", "ret", "out", "err", "state", "uevents", "loaded")
"""What is compared of each record."""

_Record = dict[str, Any]

_CHANCE = (
    (re.compile(r"(iommu_groups|virtual/vfio)/\d+"), r"\1/N"),
    (re.compile(r"\bvfio/\d+"), "vfio/N"),
)
"""IOMMU group numbers depend on what else the host has."""


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field of one record that came out differently."""

    record: _Record
    field: str
    real: Any
    simulated: Any

    def __str__(self) -> str:
        """Return a few lines for a person."""
        record = self.record
        what = f"{record['op']} {record.get('path', '')} {record.get('data', '')!r}"
        return (
            f"{record['n']} [{record['sec']}] {what}\n"
            f"    {self.field}: real      {self.real!r}\n"
            f"    {self.field}: simulated {self.simulated!r}"
        )


def parse(lines: Iterable[str]) -> list[_Record]:
    """Return the records of a transcript."""
    return [json.loads(line) for line in lines]


def compare(
    real: list[_Record], simulated: list[_Record]
) -> tuple[int, list[FieldDifference]]:
    """Return the number of fields compared, and those that differ.

    An operation is the same in both if it is the n-th of its kind on its file in its
    section; one that only one of them has differs in its result.
    """
    ours = _by_operation(simulated)
    theirs = _by_operation(real)
    compared = 0
    differences = []
    for key in theirs | ours:
        one, other = theirs.get(key, {}), ours.get(key, {})
        for field in FIELDS if one and other else ("res",):
            if field not in one and field not in other:
                continue
            compared += 1
            expected, actual = _plain(one.get(field)), _plain(other.get(field))
            if expected != actual:
                differences.append(
                    FieldDifference(one or other, field, expected, actual)
                )
    return compared, differences


def _by_operation(records: list[_Record]) -> dict[tuple[object, ...], _Record]:
    found: dict[tuple[object, ...], _Record] = {}
    seen: Counter[tuple[object, ...]] = Counter()
    for record in records:
        what = tuple(str(record.get(name)) for name in ("sec", "op", "path", "data"))
        key = (*what, seen[what])
        found[key] = record
        seen[what] += 1
    return found


def _plain(value: Any) -> Any:
    """Return a value without what is chance."""
    if isinstance(value, str):
        for pattern, text in _CHANCE:
            value = pattern.sub(text, value)
        return value
    if isinstance(value, list):
        return [_plain(one) for one in value if not _is_chance_event(one)]
    if isinstance(value, dict):
        return {
            key: _nodes(one) if key == "/dev/vfio" else _plain(one)
            for key, one in value.items()
            if key not in ("group", "MAJOR", "MINOR")
        } | ({"group": value["group"] is not None} if "group" in value else {})
    return value


def _nodes(names: list[str]) -> list[str]:
    return sorted("N" if name.isdecimal() else name for name in names)


def _is_chance_event(value: Any) -> bool:
    """Tell whether a uevent is of wake-up sources, whose names are numbered."""
    return isinstance(value, dict) and value.get("SUBSYSTEM") == "wakeup"
