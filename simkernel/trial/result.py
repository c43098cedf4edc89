"""The result of a trial, as tables and as a JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Result", "Row", "Spelling"]


@dataclass(frozen=True, slots=True)
class Spelling:
    """A name in ``driver_override``, and the probe's result."""

    name: str
    driver: str
    """Driver that bound the device; empty: none."""
    error: str
    """Name of the errno of the refusal; empty: none."""

    def outcome(self) -> str:
        """Return the result in words."""
        if self.driver:
            return f"binds {self.driver}"
        return f"no driver ({self.error})" if self.error else "no driver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One alias, and the device generated for it."""

    device: str
    """Address; empty: no device can be derived from the alias."""
    id: str
    alias: str
    """Alias that the device was generated for."""
    found_by: str
    """Alias that resolver matched; empty: none."""
    wanted_drivers: tuple[str, ...]
    """Drivers of the module with the alias."""
    module: str
    """Module that resolver chose; empty: none."""
    driver: str
    """Driver of the device after ``resolver bind``; empty: none."""
    is_vfio: bool
    """Programs can open the device through VFIO."""
    loads_by_itself: bool
    """udev loads the module for the device."""
    binds_by_itself: bool
    """The driver binds the device without ``driver_override``."""
    error: str
    """Error of resolver; empty: none."""
    spellings: tuple[Spelling, ...]

    @property
    def passed(self) -> bool:
        """A driver of the module registered the device with VFIO."""
        return self.driver in self.wanted_drivers and self.is_vfio

    def by_itself(self) -> str:
        """Return what happens without a request for VFIO, in words."""
        done = [
            word
            for word, is_so in (
                ("loads", self.loads_by_itself),
                ("binds", self.binds_by_itself),
            )
            if is_so
        ]
        return ", ".join(done) or "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of a trial."""

    modules: tuple[tuple[str, str, tuple[str, ...]], ...]
    """File, name and drivers of each tested module."""
    via: str
    release: str
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """There is an alias, and every alias leads to its driver."""
        return bool(self.rows) and all(one.passed for one in self.rows)

    def to_json(self) -> dict[str, object]:
        """Return the JSON document, schema ``simkernel/1``."""
        return {
            "schema": "simkernel/1",
            "command": "try",
            "via": self.via,
            "kernel": self.release,
            "modules": [
                {"file": file, "module": name, "drivers": list(drivers)}
                for file, name, drivers in self.modules
            ],
            "devices": [_object(one) for one in self.rows],
            "ok": self.passed,
        }

    def to_text(self) -> str:
        """Return the tables that ``simkernel try`` prints."""
        lines = [
            f"{name} ({file}): driver {' and '.join(drivers)}"
            for file, name, drivers in self.modules
        ]
        lines.append(f"kernel {self.release}, {self.via}")
        if not self.rows:
            return "\n".join([*lines, "", "no PCI aliases: nothing to try"])
        lines += ["", *_table(_COLUMNS, [_cells(one) for one in self.rows])]
        tried = _spelling_rows(self.rows)
        if tried:
            lines += ["", *_table(("DRIVER_OVERRIDE", "KERNEL", "DEVICE"), tried)]
        problems = [_problem(one) for one in self.rows if not one.passed]
        problems += [_accident(one) for one in self.rows if one.by_itself() != "no"]
        return "\n".join([*lines, "", *problems] if problems else lines)


_COLUMNS = ("DEVICE", "ALIAS", "MODULE", "DRIVER", "BY ITSELF")


def _object(row: Row) -> dict[str, object]:
    return {
        "device": row.device or None,
        "id": row.id or None,
        "alias": row.alias,
        "found_by": row.found_by or None,
        "module": row.module or None,
        "driver": row.driver or None,
        "vfio": row.is_vfio,
        "loads_by_itself": row.loads_by_itself,
        "binds_by_itself": row.binds_by_itself,
        "ok": row.passed,
        "error": row.error or None,
        "driver_override": {
            one.name: {"driver": one.driver or None, "error": one.error or None}
            for one in row.spellings
        },
    }


def _cells(row: Row) -> tuple[str, ...]:
    cells = (row.id, row.alias, row.module, row.driver, row.by_itself())
    return tuple(one or "-" for one in cells)


def _spelling_rows(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Return a row for each spelling and outcome."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for one in row.spellings:
            found.setdefault((one.name, one.outcome()), []).append(row.id)
    tried = sum(bool(one.spellings) for one in rows)
    return [
        (name, outcome, "all" if len(ids) == tried > 1 else ", ".join(ids))
        for (name, outcome), ids in found.items()
    ]


def _problem(row: Row) -> str:
    wanted = " or ".join(row.wanted_drivers)
    if row.driver in row.wanted_drivers and not row.error:
        return f"error: {row.id}: {row.driver} does not register the device with VFIO"
    what = f"{row.id or row.alias}: not bound to {wanted}"
    if row.error:
        return f"error: {what}: {row.error}"
    by = f", by {row.found_by}" if row.found_by else ""
    return f"error: {what}, but to {row.driver or 'nothing'}{by}"


def _accident(row: Row) -> str:
    action = "driver binds" if row.binds_by_itself else "udev loads the module for"
    return f"warning: {row.id}: {action} the device without a request for VFIO"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with aligned columns."""
    all_rows = [heads, *rows]
    widths = [max(map(len, column)) for column in zip(*all_rows, strict=True)]
    return [
        "  ".join(
            f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in all_rows
    ]
