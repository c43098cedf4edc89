"""Commands on the fuse tier, as processes of which nothing may remain."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Marked", "as_nobody", "on_fuse", "started"]

_PATIENCE_S = 60


def on_fuse(
    *command: str, scenario: str = "mlx5_vfio_pci", options: Sequence[str] = ()
) -> list[str]:
    """Return the command line that runs a command on the tier.

    :param options: of ``simkernel run``.
    """
    words = [sys.executable, "-m", "simkernel", "run", "--via", "fuse", *options]
    return [*words, scenario, "--", *command]


def as_nobody(words: Sequence[str]) -> list[str]:
    """Return a command line that runs another as an ordinary user, uid 65534.

    The user is one of a user namespace of its own, which owns the files of whoever
    runs the tests: an interpreter in root's home can be run.
    """
    return ["unshare", "--user", "--map-user=65534", "--map-group=65534", *words]


class Marked:
    """Processes that can be told from all others by their environment."""

    def __init__(self) -> None:
        self.environment = os.environ | {"SIMKERNEL_TEST_MARK": uuid.uuid4().hex}
        self._mark = self.environment["SIMKERNEL_TEST_MARK"].encode()

    def alive(self) -> list[str]:
        """Return the command lines of those that run."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    if self._mark in (folder / "environ").read_bytes():
                        found.append((folder / "cmdline").read_text())
                except OSError:
                    continue  # it has ended, or is nobody's business
        return found

    def wait_until_none(self) -> None:
        """Wait until none is left."""
        end = time.monotonic() + _PATIENCE_S
        while left := self.alive():
            assert time.monotonic() < end, left
            time.sleep(0.01)


@contextmanager
def started(marked: Marked, words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Start a command; the block may begin when it has printed a line."""
    process = subprocess.Popen(
        words,
        env=marked.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()
