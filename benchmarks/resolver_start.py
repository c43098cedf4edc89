"""How long a person waits for the shortest commands."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.harness import Result, best_times, child_time, python, run
from benchmarks.kernel_files import device_modaliases, write_module_files

TARGET = 1.4
ROUNDS = 25


def measure() -> Iterable[Result]:
    """Compare whole processes with one that only imports click: processor time."""
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name) / "cache"
        directory = write_module_files(Path(name))
        start = [python(), "-c", "from resolver.cli import main; main()"]
        resolve = ["resolve", "--modules-dir", str(directory), device_modaliases(1)[0]]
        actions = [
            run([python(), "-I", "-c", "import click"], cache),
            run([*start, *resolve], cache),
            run([*start, "--help"], cache),
        ]
        best_times(1, *actions)  # Byte code is written.
        click, *ours = best_times(ROUNDS, *actions, clock=child_time)
        for subject, seconds in zip(("resolve MODALIAS", "--help"), ours, strict=True):
            yield Result(
                subject=f"process: resolver {subject}",
                ours=f"{seconds * 1e3:.1f} ms",
                peer=f"python -I -c 'import click': {click * 1e3:.1f} ms",
                ratio=seconds / click,
                target=f"<= {TARGET:.2f}",
                is_ok=seconds <= TARGET * click,
            )
