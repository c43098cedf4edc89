"""Programs written by hand, each to demonstrate some rules.

A file has lines ``key: value``, an empty line, then one operation per line. ``#``
starts a comment::

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
from simkernel.suggest import did_you_mean

__all__ = ["Program", "format_program", "parse_program", "written_programs"]

_FOLDER = Path(__file__).parent / "programs"
_KEYS = ("about", "scenario", "set", "rules")
_SETTING = re.compile(r"(\w+)=(\S*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Operations on a scenario, with their purpose."""

    scenario: str
    operations: tuple[Operation, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    """Parameters of the scenario."""
    about: str = ""
    rules: tuple[str, ...] = ()
    """Rules that both kernels follow if they agree on the whole program."""


def parse_program(text: str, source: str = "program") -> Program:
    """Parse the text of a program file.

    :param source: name of the file in errors.
    :raises UsageError: the text is not a program.
    """
    head, _, body = text.partition("\n\n")
    found = dict(_pairs(_content_lines(head), source))
    if "scenario" not in found:
        raise UsageError(f"{source}: missing line 'scenario: NAME'")
    try:
        operations = tuple(from_line(line) for line in _content_lines(body))
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
    """Return simkernel's own programs, by name."""
    return {
        path.stem: parse_program(path.read_text("utf-8"), path.name)
        for path in sorted(_FOLDER.glob("*.txt"))
    }


def _content_lines(text: str) -> list[str]:
    """Return the lines except comments and empty ones."""
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
                f"{source}: invalid line {line!r} above the operations, expected "
                f"{', '.join(_KEYS)}{did_you_mean(key, _KEYS)}"
            )
        yield key, text.strip()
