"""What a person gets who presses Tab in a real shell."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.real

FILES = Path(__file__).parents[4] / "docs/completion"
FORCED = os.environ.get("SIMKERNEL_FORCE_SHELLS") == "1"
START = {
    "bash": (["bash", "--norc", "-i"], f"source {FILES}/resolver.bash"),
    "zsh": (
        ["zsh", "-f", "-i"],
        f"fpath=({FILES} $fpath); autoload compinit; compinit -D",
    ),
}
"""How each shell starts, and is told where the file is."""
TYPED = [
    ("unp", "unpersist"),
    ("restore --al", "restore --all"),
    ("bind 0000:3", "bind 0000:3b:00.2"),
    ("bind pci_0000_4", "bind pci_0000_4c_00_1"),
    ("bind --driver vf", "bind --driver vfio-pci"),
]
TIME_S = 60.0
SHOWN_S = 3.0
"""A shell shows the line within this time after the answer."""
ASKED, ANSWERED = "asked\n", "answered\n"
SPY = """\
#!/bin/sh
echo asked >>{file}
{real} "$@"
echo answered >>{file}
"""
PROMPT = r".*\x1b\[\?2004h"
"""A shell that takes keys has told the terminal to mark what is pasted."""


def needs(shell: str) -> None:
    """Skip a test where there is no such shell."""
    if shutil.which(shell) is None and not FORCED:
        pytest.skip(f"SIMKERNEL_FORCE_SHELLS=1 forces it; there is no {shell}")


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """A file that gets a line each time that the command has answered a shell.

    Keys that are pressed before that may keep a shell from completing.
    """
    command = tmp_path / "bin/resolver"
    command.parent.mkdir()
    file = tmp_path / "asked"
    file.touch()
    real = Path(sys.executable).with_name("resolver")
    command.write_text(SPY.format(real=real, file=file))
    command.chmod(0o755)
    return file


def environment(asked: Path) -> dict[str, str]:
    """Return one in which the installed command is found first."""
    path = f"{asked.parent}/bin:{os.environ['PATH']}"
    return {"PATH": path, "TERM": "xterm", "HOME": "/nonexistent"}


@pytest.fixture
def root(captured: Any) -> str:
    """A captured host with two devices and a driver."""
    captured.driver("vfio-pci")
    captured.device("0000:3b:00.2")
    captured.device("0000:4c:00.1")
    return str(captured.root)


class Terminal:
    """The keyboard and screen of a person.

    :param shell: what listens to it.
    """

    def __init__(self, shell: str, asked: Path) -> None:
        argv, setup = START[shell]
        self._asked = asked
        self._pid, self._screen = pty.fork()
        if self._pid == 0:
            os.execvpe(argv[0], argv, environment(asked))
        self.type(f"PS1='> '; {setup}; echo rea''dy\n", until=f"[\r\n]ready{PROMPT}")

    def close(self) -> None:
        """Hang up, and wait for the shell."""
        os.close(self._screen)
        os.waitpid(self._pid, 0)

    def type(self, keys: str, *, until: str) -> str:
        """Press keys, wait until a pattern is shown, and return what it fits."""
        os.write(self._screen, keys.encode())
        shown = b""
        end = time.monotonic() + TIME_S
        while time.monotonic() < end:
            if found := re.search(until.encode(), shown, re.DOTALL):
                return found[1 if found.re.groups else 0].decode()
            if select.select([self._screen], [], [], 0.1)[0]:
                shown += os.read(self._screen, 65536)
        raise AssertionError(f"{until!r} is not in {shown!r}")

    def completed(self, line: str) -> str:
        """Begin a line, press Tab, and return what it is then."""
        before = self._asked.stat().st_size
        os.write(self._screen, f"{line}\t".encode())
        self._await_completion(before)
        # ^A goes to the beginning of the line, ^E to its end.
        return self.type("\x01echo '[' \x05 ']'\n", until=rf"[\r\n]\[ (.*?) \]{PROMPT}")

    # The shell shows the line once it has the command's answer. What it shows before
    # the command starts is the typed keys.
    def _await_completion(self, asked_bytes: int) -> None:
        end = time.monotonic() + TIME_S
        while self._asked.stat().st_size == asked_bytes and time.monotonic() < end:
            time.sleep(0.005)
        while self._is_shown(0):
            pass
        while not self._is_shown(0.05) and time.monotonic() < end:
            if self._asked.stat().st_size >= asked_bytes + len(ASKED + ANSWERED):
                # The line may have been among the keys.
                end = min(end, time.monotonic() + SHOWN_S)

    def _is_shown(self, timeout_s: float) -> bool:
        if not select.select([self._screen], [], [], timeout_s)[0]:
            return False
        os.read(self._screen, 65536)
        return True


@pytest.mark.parametrize("shell", START)
def test_tab_completes_the_line(shell: str, root: str, asked: Path) -> None:
    """Commands, options, drivers, and addresses in spite of their colons."""
    needs(shell)
    start = f"resolver --root {root}"
    with closing(Terminal(shell, asked)) as person:
        for typed, expected in TYPED:
            assert person.completed(f"{start} {typed}") == f"{start} {expected}"


def test_fish_offers_the_same(root: str, asked: Path) -> None:
    """Each with what kind of device it is, or what the command does."""
    needs("fish")
    wanted = [f"complete -C'resolver --root {root} {typed}'" for typed, _ in TYPED]
    done = subprocess.run(
        [
            "fish",
            "--no-config",
            "-c",
            f"source {FILES}/resolver.fish; {'; '.join(wanted)}",
        ],
        check=True,
        capture_output=True,
        text=True,
        env=environment(asked),
    )
    offered = [line.split("\t") for line in done.stdout.splitlines()]
    assert [one[0] for one in offered] == [
        expected.rpartition(" ")[2] for _, expected in TYPED
    ]
    assert offered[2][1] == "15b3:101e none"
