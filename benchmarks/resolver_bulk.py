"""Resolve many modaliases that come on stdin."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.harness import Result, best_times, child_time, python, run
from benchmarks.kernel_files import device_modaliases, write_module_files

COUNT = 100_000
TARGET_PER_S = 100_000
COPY = "import sys\nfor line in sys.stdin: sys.stdout.write(line)"


def measure() -> Iterable[Result]:
    """Compare with a Python process that copies stdin to stdout; start deducted."""
    data = "".join(f"{text}\n" for text in device_modaliases(COUNT)).encode()
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name) / "cache"
        directory = write_module_files(Path(name))
        start = [python(), "-c", "from resolver.cli import main; main()", "resolve"]
        ours = [*start, "--modules-dir", str(directory)]
        copy = [python(), "-c", COPY]
        for subject, command in (("text", ours), ("JSON", [*ours, "--json"])):
            command = [*command, "-"]
            empty, full, copy_empty, copy_full = best_times(
                5,
                run(command, cache, b""),
                run(command, cache, data),
                run(copy, cache, b""),
                run(copy, cache, data),
                clock=child_time,
            )
            rate, peer = COUNT / (full - empty), COUNT / (copy_full - copy_empty)
            yield Result(
                subject=f"resolve - : {COUNT:,} modaliases to {subject}",
                ours=f"{rate:,.0f}/s",
                peer=f"copy lines: {peer:,.0f}/s",
                ratio=rate / peer,
                target=f">= {TARGET_PER_S:,}/s",
                is_ok=rate >= TARGET_PER_S,
            )
