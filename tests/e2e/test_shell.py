"""``simkernel shell`` on a terminal, on the fuse tier."""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import time
from pathlib import Path

import pytest

from tests.fuse import needs_fuse

pytestmark = [pytest.mark.real, needs_fuse]

SIMKERNEL = str(Path(sys.executable).with_name("simkernel"))


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, *words: str) -> None:
        self.pid, self._end = pty.fork()
        if self.pid == 0:
            os.environ.update(HOME="/nowhere", TERM="dumb")
            os.execv(SIMKERNEL, [SIMKERNEL, "shell", *words])
        self.seen = ""

    def wait_for(self, pattern: str, timeout_s: float = 300) -> None:
        """Read until something is seen; what was seen before it is forgotten."""
        end = time.monotonic() + timeout_s
        while not (found := re.search(pattern, self.seen)):
            ready, _, _ = select.select([self._end], [], [], end - time.monotonic())
            assert ready, f"no {pattern!r} in {self.seen!r}"
            self.seen += os.read(self._end, 4096).decode()
        self.seen = self.seen[found.end() :]

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._end, text.encode())

    def code(self) -> int:
        """Wait for the end and return the exit code."""
        try:
            while os.read(self._end, 4096):
                pass
        except OSError:
            pass  # the terminal has nobody on its other side any more
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_shell_is_on_the_host_and_its_prompt_names_it() -> None:
    """Programs, interrupts and the exit code are as in any shell."""
    terminal = Terminal("--set", "vfs=1", "mlx5_vfio_pci")
    terminal.wait_for(r"\[mlx5_vfio_pci .*\][#$] ")
    terminal.type("cd /sys/bus/pci/devices; ls\n")
    terminal.wait_for(r"0000:3b:00\.2\s")
    terminal.wait_for(r"\[mlx5_vfio_pci /sys/bus/pci/devices\][#$] ")
    terminal.type("sh -c 'echo be''gun; sleep 1000'\n")  # its echo has the quotes
    terminal.wait_for("begun")
    terminal.type("\x03")
    terminal.wait_for(r"\[mlx5_vfio_pci .*\][#$] ")
    terminal.type("exit 5\n")

    assert terminal.code() == 5
