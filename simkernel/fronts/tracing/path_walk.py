"""Reduction of path walks to a program's operations.

To open a file, the kernel stats each directory of the path and reads each link, by one
FUSE request each, sometimes twice. A trace leaves these requests out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["FileCall", "PathWalks"]


@dataclass(slots=True)
class FileCall:
    """One call that the file system received."""

    operation: str
    path: str
    comm: str | None
    """Program name."""
    time_s: float
    """Seconds since the recording started."""
    data: bytes | str | None = None
    errno: int = 0
    target: str = ""
    """Absolute target of a link."""


class PathWalks:
    """The last call of each process, until the next explains it.

    :param write: takes a process id and a call that is an operation.
    """

    def __init__(self, write: Callable[[int, FileCall], None]) -> None:
        self._write = write
        self._last: dict[int, FileCall] = {}

    def add(self, pid: int, call: FileCall) -> None:
        """Add a call, and write the operations that are certain now."""
        last = self._last.pop(pid, None)
        if last is not None:
            if last.target and call.operation == "stat" and _leads_to(call, last):
                # The kernel walks back from the link to its target.
                self._last[pid] = last
                return
            if not _is_part_of_walk(last, call):
                self._write(pid, last)
        if call.operation in ("readlink", "stat"):
            self._last[pid] = call
        else:
            self._write(pid, call)

    def finish(self) -> None:
        """Write the calls that are still held back."""
        for pid, call in self._last.items():
            self._write(pid, call)
        self._last.clear()


def _leads_to(above: FileCall, call: FileCall) -> bool:
    return f"{call.path}/".startswith(f"{above.path}/")


def _is_part_of_walk(last: FileCall, call: FileCall) -> bool:
    """Tell whether the last call was on the path to this one."""
    if last.target:
        path, target = f"{call.path}/", f"{last.target}/"
        return path.startswith(target) or target.startswith(path)
    return not last.errno and _leads_to(last, call)
