"""Programs written by hand, each for the rules that it shows.

A file has a few lines ``key: value``, an empty line, and an operation a line; ``#``
begins a comment::

    about: A device that is bound cannot be bound again.
    scenario: mlx5_vfio_pci
    rules: R-BIND-3

    write /sys/bus/pci/drivers/mlx5_core/bind '0000:3b:00.0'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simkernel.conformance.operations import Operation, from_line, to_line
from simkernel.errors import UsageError

__all__ = ["Program", "format_program", "parse_program", "written_programs"]

_FOLDER = Path(__file__).parent / "programs"
_KEYS = ("about", "scenario", "set", "rules")
_SETTING = re.compile(r"(\w+)=(\S*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Operations on a scenario, and what they are about."""

    scenario: str
    operations: tuple[Operation, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the scenario."""
    about: str = ""
    rules: tuple[str, ...] = ()
    """Rules that are followed where the kernels agree on the whole program."""


def parse_program(text: str, source: str = "program") -> Program:
    """Return the program that a file holds.

    :param source: what the file is called in errors.
    :raises UsageError: it holds none.
    """
    head, _, body = text.partition("\n\n")
    found = dict(_pairs(_kept(head), source))
    if "scenario" not in found:
        raise UsageError(f"{source}: a line 'scenario: NAME' is missing")
    try:
        operations = tuple(from_line(line) for line in _kept(body))
    except UsageError as error:
        raise UsageError(f"{source}: {error}") from None
    return Program(
        scenario=found["scenario"],
        operations=operations,
        settings=dict(_SETTING.findall(found.get("set", ""))),
        about=found.get("about", ""),
        rules=tuple(found.get("rules", "").split()),
    )


def format_program(program: Program) -> str:
    """Return a program as the text of a file."""
    settings = " ".join(f"{name}={text}" for name, text in program.settings.items())
    head = {
        "about": program.about,
        "scenario": program.scenario,
        "set": settings,
        "rules": " ".join(program.rules),
    }
    lines = [f"{key}: {text}" for key, text in head.items() if text]
    return "\n".join([*lines, "", *map(to_line, program.operations), ""])


def written_programs() -> dict[str, Program]:
    """Return the programs that come with simkernel, by name."""
    return {
        path.stem: parse_program(path.read_text("utf-8"), path.name)
        for path in sorted(_FOLDER.glob("*.txt"))
    }


def _kept(text: str) -> list[str]:
    """Return the lines that are no comments and not empty."""
    return [
        line
        for line in text.splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _pairs(lines: Iterable[str], source: str) -> Iterable[tuple[str, str]]:
    for line in lines:
        key, colon, text = line.partition(":")
        if not colon or key not in _KEYS:
            raise UsageError(
                f"{source}: {line!r}: a program begins with lines of "
                f"{', '.join(_KEYS)}, then an empty line"
            )
        yield key, text.strip()
