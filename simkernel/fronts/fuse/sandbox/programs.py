"""Names of the programs that run on a simulated host."""

from __future__ import annotations

import os
from collections.abc import Iterator

__all__ = ["Programs"]


class Programs:
    """Finds processes by the numbers that their threads have in the host's namespace.

    The kernel's end sees them under other numbers, as descendants of its own process.
    """

    def __init__(self) -> None:
        self._known: dict[int, str] = {}
        """Number of a thread on the host to its folder in ``/proc`` here."""

    def process(self, thread: int) -> tuple[int, str | None]:
        """Return number and program of the process that a thread is in, as of now.

        :param thread: its number on the host. If it cannot be found, it is returned
            with None.
        """
        known = self._known.get(thread)
        about = _status(known) if known is not None else {}
        if not _is(about, thread):
            about = self._search(thread)
        if not about:
            return thread, None
        leader = _status(f"/proc/{about['Tgid']}")
        return int(about["NStgid"].split()[-1]), leader.get("Name")

    def _search(self, thread: int) -> dict[str, str]:
        for folder in _threads_below(os.getpid()):
            about = _status(folder)
            if _is(about, thread):
                self._known[thread] = folder
                return about
        return {}


def _threads_below(process: int) -> Iterator[str]:
    """Yield the folders of the threads of a process's descendants."""
    for child in _children(process):
        yield from _threads(child)
        yield from _threads_below(child)


def _threads(process: int) -> list[str]:
    folder = f"/proc/{process}/task"
    try:
        return [f"{folder}/{number}" for number in os.listdir(folder)]
    except OSError:
        return []  # it has ended meanwhile


def _children(process: int) -> Iterator[int]:
    """Yield the processes that were started by any thread of a process.

    It takes CONFIG_PROC_CHILDREN, which distributions have.
    """
    for folder in _threads(process):
        try:
            with open(f"{folder}/children", encoding="ascii") as file:
                numbers = file.read().split()
        except OSError:
            continue  # it has ended meanwhile
        yield from map(int, numbers)


def _status(folder: str) -> dict[str, str]:
    """Return the fields of ``status`` in a folder; none if the thread is gone."""
    try:
        with open(f"{folder}/status", encoding="utf-8", errors="replace") as file:
            pairs = (line.partition(":") for line in file)
            return {key: value.strip() for key, _, value in pairs}
    except OSError:
        return {}


def _is(about: dict[str, str], thread: int) -> bool:
    """Tell whether a thread has a number in a namespace below this one.

    Source: fs/proc/array.c task_state(): NSpid, from the outermost to the innermost.
    """
    numbers = about.get("NSpid", "").split()
    return len(numbers) > 1 and numbers[-1] == str(thread)
