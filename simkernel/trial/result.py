"""What came of a trial, as a table and as a JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Result", "Row", "Spelling"]


@dataclass(frozen=True, slots=True)
class Spelling:
    """A name written to ``driver_override``, and what the kernel did when probing."""

    name: str
    driver: str
    """Driver that the device got; empty: none."""
    error: str
    """Name of the errno with which the kernel refused; empty: it did not."""

    def outcome(self) -> str:
        """Return what the kernel did, in words."""
        if self.driver:
            return f"binds {self.driver}"
        return f"no driver ({self.error})" if self.error else "no driver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One alias, and the device that was made for it."""

    device: str
    """Address; empty: no device can be told from the alias."""
    id: str
    alias: str
    """Alias that the device was made for."""
    found_by: str
    """Alias by which resolver found the module; empty: by none."""
    wanted_drivers: tuple[str, ...]
    """Drivers of the module that has the alias."""
    module: str
    """Module that resolver chose; empty: none."""
    driver: str
    """Driver that the device has after ``resolver bind``; empty: none."""
    is_vfio: bool
    """Programs can open it through VFIO then."""
    loads_by_itself: bool
    """udev would load the module for the device."""
    binds_by_itself: bool
    """The driver takes the device without ``driver_override``."""
    error: str
    """Why resolver bound nothing."""
    spellings: tuple[Spelling, ...]

    @property
    def is_well(self) -> bool:
        """The device got a driver of the module, and that gave it to VFIO."""
        return self.driver in self.wanted_drivers and self.is_vfio

    def by_itself(self) -> str:
        """Return what happens without anybody asking for the driver, in words."""
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
    """A trial that is over."""

    modules: tuple[tuple[str, str, tuple[str, ...]], ...]
    """File, name and drivers of each module that was given."""
    via: str
    release: str
    rows: tuple[Row, ...]

    @property
    def is_well(self) -> bool:
        """Every alias led to its driver, and there is one at all."""
        return bool(self.rows) and all(one.is_well for one in self.rows)

    def to_json(self) -> dict[str, object]:
        """Return the document that ``--json`` prints."""
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
            "ok": self.is_well,
        }

    def to_text(self) -> str:
        """Return the tables that a person reads."""
        lines = [
            f"{name} ({file}): driver {' and '.join(drivers)}"
            for file, name, drivers in self.modules
        ]
        lines.append(f"kernel {self.release}, {self.via}")
        if not self.rows:
            return "\n".join([*lines, "", "no alias for PCI devices: nothing to try"])
        lines += ["", *_table(_COLUMNS, [_cells(one) for one in self.rows])]
        tried = _spelling_rows(self.rows)
        if tried:
            lines += ["", *_table(("DRIVER_OVERRIDE", "KERNEL", "DEVICE"), tried)]
        problems = [_problem(one) for one in self.rows if not one.is_well]
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
        "ok": row.is_well,
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
    """Return a line for each name and outcome, with the devices it is so for."""
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
        return f"error: {row.id}: {row.driver} does not give it to VFIO"
    what = f"{row.id or row.alias}: not bound to {wanted}"
    if row.error:
        return f"error: {what}: {row.error}"
    by = f", by {row.found_by}" if row.found_by else ""
    return f"error: {what}, but to {row.driver or 'nothing'}{by}"


def _accident(row: Row) -> str:
    return (
        f"warning: {row.id}: without anybody asking for VFIO, udev loads the module"
        if not row.binds_by_itself
        else f"warning: {row.id}: the driver takes it without anybody asking for VFIO"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with columns as wide as what is in them."""
    all_rows = [heads, *rows]
    widths = [max(map(len, column)) for column in zip(*all_rows, strict=True)]
    return [
        "  ".join(
            f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in all_rows
    ]
