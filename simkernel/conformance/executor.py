"""The interface of a kernel that runs programs of operations.

:class:`~simkernel.conformance.model_executor.ModelExecutor` is the simulated kernel,
    ``simkernel.fronts.vm.guest_executor`` a real one in a guest.
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
"""Observed state: each path with its content.

``0644 text`` is a file with its permission bits, ``0200`` an unreadable one, ``0444
!EIO`` one whose read fails. ``-> target`` is a link, ``character device 0600`` a
device node. A directory's path ends in ``/`` and its text is empty.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The result of one operation."""

    errno: int = 0
    """0: success."""
    value: str | None = None
    """Text that a read returned (Latin-1), or the number of bytes a write took."""
    changed: Mapping[str, str | None] = field(default_factory=dict)
    """Changes of the observed state; None: the path is gone."""
    rule: str | None = None
    """Rule of the simulated kernel behind a refusal; None for a real kernel."""


class KernelLost(SimkernelError):
    """A kernel no longer answers. The next reset starts a new one."""


class Executor(Protocol):
    """A kernel that runs programs."""

    def reset(self, scenario: Scenario) -> State:
        """Bring the kernel to the start of a scenario.

        :return: the observed state.
        :raises KernelLost: the kernel does not answer.
        """

    def execute(self, operations: Sequence[Operation]) -> list[Answer]:
        """Run operations in order; a refused one does not stop the others.

        :return: one answer per operation.
        :raises KernelLost: the kernel stopped answering.
        """


def advance(state: State, answer: Answer) -> None:
    """Apply the changes of an operation to an observed state."""
    for path, text in answer.changed.items():
        if text is None:
            state.pop(path, None)
        else:
            state[path] = text


def changes(before: State, after: State) -> dict[str, str | None]:
    """Return the changed text by path; None: the path is gone."""
    gone: dict[str, str | None] = dict.fromkeys(before.keys() - after.keys())
    return gone | {
        path: text for path, text in after.items() if before.get(path) != text
    }
