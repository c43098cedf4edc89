"""Process ids and program names of threads on a host."""

from __future__ import annotations

import os
from collections.abc import Iterator

__all__ = ["ProcessTable"]


class ProcessTable:
    """Processes by thread ids of the host's PID namespace.

    In this process's namespace they are descendants with other ids.
    """

    def __init__(self) -> None:
        self._folders: dict[int, str] = {}
        """Thread id on the host to its directory in ``/proc`` here."""

    def process(self, thread: int) -> tuple[int, str | None]:
        """Return id and program name of the process of a thread.

        :param thread: thread id on the host. An unknown one is returned with None.
        """
        folder = self._folders.get(thread)
        status = _status(folder) if folder is not None else {}
        if not _has_id(status, thread):
            status = self._search(thread)
        if not status:
            return thread, None
        leader = _status(f"/proc/{status['Tgid']}")
        return int(status["NStgid"].split()[-1]), leader.get("Name")

    def _search(self, thread: int) -> dict[str, str]:
        for folder in _threads_below(os.getpid()):
            status = _status(folder)
            if _has_id(status, thread):
                self._folders[thread] = folder
                return status
        return {}


def _threads_below(process: int) -> Iterator[str]:
    """Yield ``/proc`` directories of the descendants' threads."""
    for child in _children(process):
        yield from _threads(child)
        yield from _threads_below(child)


def _threads(process: int) -> list[str]:
    folder = f"/proc/{process}/task"
    try:
        return [f"{folder}/{number}" for number in os.listdir(folder)]
    except OSError:
        return []  # the process has ended


def _children(process: int) -> Iterator[int]:
    """Yield the children of all threads of a process.

    Requires CONFIG_PROC_CHILDREN, which distributions set.
    """
    for folder in _threads(process):
        try:
            with open(f"{folder}/children", encoding="ascii") as file:
                numbers = file.read().split()
        except OSError:
            continue  # the thread has ended
        yield from map(int, numbers)


def _status(folder: str) -> dict[str, str]:
    """Return the fields of a ``status`` file, if it exists."""
    try:
        with open(f"{folder}/status", encoding="utf-8", errors="replace") as file:
            pairs = (line.partition(":") for line in file)
            return {key: value.strip() for key, _, value in pairs}
    except OSError:
        return {}


def _has_id(status: dict[str, str], thread: int) -> bool:
    """Tell whether a thread has an id in a nested namespace.

    Source: fs/proc/array.c task_state(): NSpid lists the ids from the outermost
    namespace to the innermost.
    """
    ids = status.get("NSpid", "").split()
    return len(ids) > 1 and ids[-1] == str(thread)
