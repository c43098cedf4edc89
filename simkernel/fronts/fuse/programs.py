"""Names of the programs that run on a simulated host."""

from __future__ import annotations

import os

__all__ = ["Programs"]


class Programs:
    """Finds processes by the numbers that they have in the host's namespace.

    The kernel's end sees them under other numbers, as descendants of its own process.
    """

    def __init__(self) -> None:
        self._known: dict[int, str] = {}
        """Number on the host to number here."""

    def name(self, pid: int) -> str | None:
        """Return the name of a process's program now; None: it cannot be found.

        :param pid: its number on the host.
        """
        known = self._known.get(pid)
        about = _status(known) if known is not None else {}
        if not _has_number(about, pid):
            about = self._search(pid)
        return about.get("Name")

    def _search(self, pid: int) -> dict[str, str]:
        for number in filter(str.isdigit, os.listdir("/proc")):
            about = _status(number)
            if _has_number(about, pid) and _is_ours(about):
                self._known[pid] = number
                return about
        return {}


def _status(number: str) -> dict[str, str]:
    """Return the fields of ``/proc/<number>/status``; none if the process is gone."""
    try:
        with open(f"/proc/{number}/status", encoding="utf-8", errors="replace") as file:
            pairs = (line.partition(":") for line in file)
            return {key: value.strip() for key, _, value in pairs}
    except OSError:
        return {}


def _has_number(about: dict[str, str], pid: int) -> bool:
    """Tell whether a process has a number in a namespace below this one.

    Source: fs/proc/array.c task_state(): NSpid, from the outermost to the innermost.
    """
    numbers = about.get("NSpid", "").split()
    return len(numbers) > 1 and numbers[-1] == str(pid)


def _is_ours(about: dict[str, str]) -> bool:
    own = str(os.getpid())
    while about:
        above = about.get("PPid", "0")
        if above == own:
            return True
        about = _status(above) if above != "0" else {}
    return False
