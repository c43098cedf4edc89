"""How subjects are measured, compared and shown.

Ours and the peer take turns, so that what else the machine does hits both; the
best time of each counts, because everything else is disturbance.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "MissingPeerError",
    "Result",
    "best_times",
    "child_time",
    "print_results",
    "python",
    "run",
]


class MissingPeerError(Exception):
    """What we compare with is not on this machine."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One line of the table."""

    subject: str
    ours: str
    """With its unit."""
    peer: str
    """Name and figure, with its unit."""
    ratio: float | None
    """Ours to peer; ``None`` where the target is absolute."""
    target: str
    is_ok: bool


def best_times(
    rounds: int,
    *actions: Callable[[], Any],
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Return the best time of each action, in seconds."""
    best = [float("inf")] * len(actions)
    for _ in range(rounds):
        for number, action in enumerate(actions):
            start = clock()
            action()
            best[number] = min(best[number], clock() - start)
    return best


def child_time() -> float:
    """Return the seconds that a processor has spent on processes that ended.

    The clock for processes: nothing in them waits, and another process that keeps
    the machine busy must not count.
    """
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def python() -> str:
    """Return the interpreter that runs us."""
    return sys.executable


def run(
    command: Sequence[str], cache: Path, data: bytes | None = None
) -> Callable[[], None]:
    """Return an action that runs a process to its end.

    Byte code may be written, below ``cache``, as it was when the package was
    installed.

    :param data: its stdin.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def action() -> None:
        done = subprocess.run(
            command, input=data, capture_output=True, env=environment, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stderr.decode()}")

    return action


def print_results(results: Iterable[Result]) -> None:
    """Print the table."""
    rows = [("SUBJECT", "OURS", "PEER", "RATIO", "TARGET", "")]
    for one in results:
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        verdict = "ok" if one.is_ok else "MISSED"
        rows.append((one.subject, one.ours, one.peer, ratio, one.target, verdict))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        print("  ".join(cell.ljust(width) for cell, width in cells).rstrip())
