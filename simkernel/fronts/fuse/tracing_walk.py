"""Tells what a program did from the steps that the system made on its behalf.

To get to a file, the system looks at every directory on the way and reads every link,
each by a call of its own, some of them twice. None of that is the program's doing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Step", "Walks"]


@dataclass(slots=True)
class Step:
    """One call of the file system's."""

    operation: str
    path: str
    comm: str | None
    """Name of the program."""
    time_s: float
    """When, in the trace's seconds."""
    data: bytes | str | None = None
    errno: int = 0
    target: str = ""
    """Where a link leads, absolute."""


class Walks:
    """The last step of each process, kept until it is clear what it was for.

    :param write: takes the number of a process and a step that is an operation.
    """

    def __init__(self, write: Callable[[int, Step], None]) -> None:
        self._write = write
        self._last: dict[int, Step] = {}

    def take(self, pid: int, step: Step) -> None:
        """Take note of a step; writes what is an operation for certain."""
        last = self._last.pop(pid, None)
        if last is not None:
            if last.target and step.operation == "stat" and _leads_to(step, last):
                self._last[pid] = last  # up again, from the link to its target
                return
            if not _is_on_the_way(last, step):
                self._write(pid, last)
        if step.operation in ("readlink", "stat"):
            self._last[pid] = step
        else:
            self._write(pid, step)

    def finish(self) -> None:
        """Write what is left."""
        for pid, step in self._last.items():
            self._write(pid, step)
        self._last.clear()


def _leads_to(above: Step, step: Step) -> bool:
    return f"{step.path}/".startswith(f"{above.path}/")


def _is_on_the_way(last: Step, step: Step) -> bool:
    """Tell whether a step was only made for the sake of the next one."""
    if last.target:
        here, there = f"{step.path}/", f"{last.target}/"
        return here.startswith(there) or there.startswith(here)
    return not last.errno and _leads_to(last, step)
