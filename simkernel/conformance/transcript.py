"""Compares transcripts of operations on two kernels.

A transcript has one JSON object per line: the operation (``op``, ``path``, ``data``)
and its result: ``res``, ``ret``, ``out``, ``err``, ``state``, ``uevents``, and the
``loaded`` modules. Numbers that vary between kernels are not compared.
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
"""Compared fields of each record."""

_Record = dict[str, Any]

_VARYING = (
    (re.compile(r"(iommu_groups|virtual/vfio)/\d+"), r"\1/N"),
    (re.compile(r"\bvfio/\d+"), "vfio/N"),
)
"""IOMMU group numbers depend on the host's other hardware."""


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field of a record that differs."""

    record: _Record
    field: str
    real: Any
    simulated: Any

    def __str__(self) -> str:
        """Return the difference as text."""
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
    """Return the number of compared fields, and the fields that differ.

    Operations correspond if both are the n-th of their kind on their file in their
    section. An operation in only one transcript differs in its result.
    """
    simulated_records = _by_operation(simulated)
    real_records = _by_operation(real)
    compared = 0
    differences = []
    for key in real_records | simulated_records:
        one, other = real_records.get(key, {}), simulated_records.get(key, {})
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
    """Return a value without numbers that vary between kernels."""
    if isinstance(value, str):
        for pattern, text in _VARYING:
            value = pattern.sub(text, value)
        return value
    if isinstance(value, list):
        return [_plain(one) for one in value if not _is_wakeup_event(one)]
    if isinstance(value, dict):
        return {
            key: _nodes(one) if key == "/dev/vfio" else _plain(one)
            for key, one in value.items()
            if key not in ("group", "MAJOR", "MINOR")
        } | ({"group": value["group"] is not None} if "group" in value else {})
    return value


def _nodes(names: list[str]) -> list[str]:
    return sorted("N" if name.isdecimal() else name for name in names)


def _is_wakeup_event(value: Any) -> bool:
    """Whether a uevent is about a wake-up source; their names are numbered."""
    return isinstance(value, dict) and value.get("SUBSYSTEM") == "wakeup"
