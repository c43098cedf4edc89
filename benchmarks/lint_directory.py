"""Look at a whole module directory, cold from the files and from what was kept.

Wall time: what depends on the number of processors is what a person waits for. A run
without cache begins each round; the warm run follows it, and has what it kept.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.harness import MissingPeerError, Result, best_times, python, run

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
        peer_s, cold_s, warm_s = best_times(ROUNDS, peer, cold(lint, name), lint)
    what = f"lint {directory.name}: {modules:,} modules, {aliases:,} aliases"
    for subject, time_s, limit_s in (
        ("cold", cold_s, COLD_S),
        ("warm", warm_s, WARM_S),
    ):
        yield Result(
            subject=f"{what}, {subject}",
            ours=f"{time_s:.2f} s",
            peer=f"depmod -n: {peer_s:.2f} s",
            ratio=time_s / peer_s,
            target=f"< {limit_s:g} s",
            is_ok=time_s < limit_s,
        )


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
