"""Who carries out a program: what it is asked, and what it answers.

The simulated kernel is one player, a real one in a guest the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from simkernel.conformance.operations import Operation
from simkernel.errors import SimkernelError
from simkernel.scenario.schema import Scenario

__all__ = ["Answer", "Executor", "KernelLost", "State", "advance", "changes"]

State = dict[str, str]
"""What is observed of a kernel: each path with what is there.

``0644 text`` is a file with its permission bits, ``0200`` one that cannot be read,
``0444 !EIO`` one that refuses; ``-> target`` is a link, ``character device 0600`` a
device node. The path of a directory ends in ``/``, and its text is empty.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one operation."""

    errno: int = 0
    """0: it was done."""
    value: str | None = None
    """Bytes that a write took, as a number; text that a read gave (Latin-1)."""
    changed: Mapping[str, str | None] = field(default_factory=dict)
    """What is different in the observed state; None: no longer there."""
    rule: str | None = None
    """Rule of the simulated kernel by which it refused; a real one gives none."""


class KernelLost(SimkernelError):
    """A kernel that was asked something does not answer any more.

    The player starts another one at the next reset.
    """


class Executor(Protocol):
    """A kernel that programs can be played on."""

    def reset(self, scenario: Scenario) -> State:
        """Bring the kernel to the start of a scenario.

        :return: all that is observed of it.
        :raises KernelLost: it does not answer.
        """

    def execute(self, operations: Sequence[Operation]) -> list[Answer]:
        """Carry out operations, one after the other; a refused one ends nothing.

        :return: an answer for each, in order.
        :raises KernelLost: it stopped answering on the way.
        """


def advance(state: State, answer: Answer) -> None:
    """Bring an observed state to where it was after an operation."""
    for path, text in answer.changed.items():
        if text is None:
            state.pop(path, None)
        else:
            state[path] = text


def changes(before: State, after: State) -> dict[str, str | None]:
    """Return what is different: new text by path, None for what is gone."""
    gone: dict[str, str | None] = dict.fromkeys(before.keys() - after.keys())
    return gone | {
        path: text for path, text in after.items() if before.get(path) != text
    }
