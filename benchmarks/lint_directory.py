"""Look at a whole module directory, cold from the files and from what was kept.

Wall time: what depends on the number of processors is what a person waits for. A run
without cache begins each round; the warm run follows it, and has what it kept.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import MissingPeerError, Result, child_time, python, run

ROUNDS = 3
COLD_S = 15.0
WARM_S = 5.0


def measure() -> Iterable[Result]:
    """Compare with ``depmod -n``, which reads the same files."""
    directory = module_directory()
    depmod = shutil.which("depmod") or shutil.which("depmod", path="/usr/sbin:/sbin")
    if directory is None or depmod is None:
        raise MissingPeerError("no kernel in /lib/modules, or no depmod")
    modules = count(directory)
    aliases = (directory / "modules.alias").read_bytes().count(b"\nalias ")
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = f"{name}/xdg"
        command = [python(), "-c", "from resolver.cli import main; main()", "lint"]
        lint = run([*command, str(directory)], Path(name) / "cache")
        peer = run([depmod, "-n", directory.name], Path(name) / "cache")
        peer_time, *times = taken(peer, cold(lint, name), lint)
    what = f"lint {directory.name}: {modules:,} modules, {aliases:,} aliases"
    limits = ("cold", COLD_S), ("warm", WARM_S)
    for (subject, limit_s), one in zip(limits, times, strict=True):
        yield Result(
            subject=f"{what}, {subject}",
            ours=str(one),
            peer=f"depmod -n: {peer_time}",
            ratio=one.wall_s / peer_time.wall_s,
            target=f"< {limit_s:g} s",
            is_ok=one.wall_s < limit_s,
        )


class Time(NamedTuple):
    """What an action takes at best."""

    wall_s: float
    processors_s: float

    def __str__(self) -> str:
        """Return both: on a busy machine the first says more of what else it does."""
        return f"{self.wall_s:.2f} s (processors {self.processors_s:.2f} s)"


def taken(*actions: Callable[[], None]) -> list[Time]:
    """Return the best times of each action; they take turns."""
    times: list[list[Time]] = [[] for _ in actions]
    for _ in range(ROUNDS):
        for found, action in zip(times, actions, strict=True):
            started_s, before_s = time.perf_counter(), child_time()
            action()
            wall_s, used_s = time.perf_counter() - started_s, child_time() - before_s
            found.append(Time(wall_s, used_s))
    return [Time(*map(min, zip(*found, strict=True))) for found in times]


def cold(lint: Callable[[], None], folder: str) -> Callable[[], None]:
    """Return an action that has nothing kept to begin with."""

    def action() -> None:
        shutil.rmtree(f"{folder}/xdg", ignore_errors=True)
        lint()

    return action


def module_directory() -> Path | None:
    """Return the directory that is named, or that with the most modules."""
    named = os.environ.get("SIMKERNEL_LIVE_MODULES")
    if named:
        return Path(named)
    found = [one.parent for one in Path("/lib/modules").glob("*/modules.alias")]
    return max(found, key=count, default=None)


def count(directory: Path) -> int:
    """Return how many modules a directory has."""
    return len(list(directory.glob("kernel/**/*.ko*")))
