"""Where two kernels answer differently."""

from __future__ import annotations

from dataclasses import dataclass
from errno import errorcode

from simkernel.conformance.operations import Operation, to_line
from simkernel.conformance.player import Answer, State

__all__ = ["Difference", "Finding", "compare_answers", "compare_states"]

_SHOWN = 12
"""Differences of one operation that are shown; the others are counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs after an operation."""

    what: str
    """``errno``, ``value``, or the path of a file."""
    model: str | None
    """What the simulated kernel has; None: nothing there."""
    kernel: str | None
    """What the real one has."""

    def __str__(self) -> str:
        """Return three lines for a person."""
        return (
            f"{self.what}\n        model   {_told(self.model)}"
            f"\n        kernel  {_told(self.kernel)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A program on which two kernels differ, and where they first do."""

    scenario: str
    operations: tuple[Operation, ...]
    """The last one is where they differ; none: they differ at the start."""
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        """Return the program and both answers for a person."""
        lines = [f"scenario {self.scenario}, {len(self.operations)} operations:"]
        lines += [f"    {to_line(one)}" for one in self.operations]
        lines += (
            ["  differs in:"] if self.operations else ["  differs at the start in:"]
        )
        lines += [f"    {one}" for one in self.differences[:_SHOWN]]
        if len(self.differences) > _SHOWN:
            lines.append(f"    and {len(self.differences) - _SHOWN} more")
        return "\n".join(lines)


def compare_answers(model: Answer, kernel: Answer) -> list[Difference]:
    """Return where the results of one operation differ, states apart."""
    if model.errno != kernel.errno:
        return [Difference("errno", _errno(model.errno), _errno(kernel.errno))]
    if model.value != kernel.value:
        return [Difference("value", model.value, kernel.value)]
    return []


def compare_states(model: State, kernel: State) -> list[Difference]:
    """Return the paths at which two states differ, both already seen as one view."""
    if model == kernel:
        return []
    return [
        Difference(path, model.get(path), kernel.get(path))
        for path in sorted(model.keys() | kernel.keys())
        if model.get(path) != kernel.get(path)
    ]


def _errno(number: int) -> str:
    return errorcode.get(number, str(number)) if number else "done"


def _told(text: str | None) -> str:
    return "-" if text is None else repr(text)
