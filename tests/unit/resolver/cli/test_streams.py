"""Output streams that are full, closed or without a reader."""

from __future__ import annotations

import subprocess
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest

from resolver.cli import run

VF = "0000:3b:00.2"
FULL = "error: cannot write to stdout: No space left on device\n"
CLOSED = "error: cannot write to stdout: it is closed\n"


def test_messages_do_not_move_to_stdout(
    captured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A closed stderr leaves the JSON document alone."""
    captured.device(VF)
    with redirect_stderr(None):
        assert run(["--root", str(captured.root), "explain", "--json", "nosuch"]) == 4
    assert "error:" not in capsys.readouterr().out.partition("{")[0]


@pytest.mark.real
@pytest.mark.parametrize("words", ["devices", "devices --json"])
@pytest.mark.parametrize(
    ("redirection", "message"),
    [(">/dev/full", FULL), (">&-", CLOSED), (">&- <&-", CLOSED)],
)
def test_lost_data_is_an_exit_code(
    captured: Any, words: str, redirection: str, message: str
) -> None:
    """No traceback, and no exit code 120 of the interpreter."""
    captured.device(VF)
    command = f"{sys.executable} -m resolver --root {captured.root} {words}"
    done = subprocess.run(
        ["sh", "-c", f"{command} {redirection}"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (141, message)


@pytest.mark.real
@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
def test_lost_error_keeps_its_exit_code(captured: Any, redirection: str) -> None:
    """The error has no reader; the exit code has one."""
    command = f"{sys.executable} -m resolver --root {captured.root} explain nosuch"
    done = subprocess.run(
        ["sh", "-c", f"{command} {redirection}"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (4, "")


@pytest.mark.real
def test_closed_stdin_is_an_error(captured: Any) -> None:
    """``-`` reads from it."""
    for words in ("restore -", "resolve -"):
        command = f"{sys.executable} -m resolver --root {captured.root} {words} <&-"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
        assert done.returncode in (2, 3)
        assert "\nerror: " in f"\n{done.stderr}"


@pytest.mark.real
def test_lost_help_is_an_exit_code() -> None:
    """No traceback."""
    command = f"{sys.executable} -m resolver --help >/dev/full"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (141, FULL)


_DAEMON = """
import os, sys
from resolver.linux import Host
kept = os.dup(1)
for number in range(3):
    os.close(number)
with Host(run=sys.argv[1]).locked(["one"], 1):
    found = [os.readlink(f"/proc/self/fd/{number}") for number in range(3)]
os.write(kept, "\\n".join(found).encode())
"""


@pytest.mark.real
def test_lock_is_no_standard_descriptor(tmp_path: Path) -> None:
    """A program without standard streams still prints into none of its files."""
    command = [sys.executable, "-c", _DAEMON, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["/dev/null"] * 3
