"""Commands in a guest: attached to this process's streams, or captured."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import termios
import time
import tty
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import Any

from simkernel.fronts.vm.machine.guest import Guest

__all__ = ["capture_command", "run_command"]

_FORWARDED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGWINCH,
)
_ACKNOWLEDGE_S = 20.0
"""Seconds within which the agent must acknowledge a signal or input."""
_CAPTURE_S = 240.0
"""Seconds after which a captured command counts as hung, e.g. on a crashed driver."""
_CHUNK = 1 << 16


def run_command(
    guest: Guest, argv: Sequence[str], *, cwd: str, environment: Mapping[str, str]
) -> int:
    """Run a command and return its exit code, 128 + N if signal N killed it.

    Standard input, output and error are this process's. If all three are a terminal,
    the command gets a terminal, too. Signals to this process are forwarded to the
    command.

    :raises GuestError: the guest has ended, or stopped answering.
    """
    size = _terminal_size() if _has_terminal() else None
    raw = _raw_terminal() if size else nullcontext()
    with _signals() as signals, raw:
        _start(guest, argv, cwd, environment, size)
        return _AttachedCommand(guest, signals, has_terminal=size is not None).serve()


def capture_command(
    guest: Guest, argv: Sequence[str], *, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command in ``/`` without standard input, and return its output.

    :raises GuestError: the guest has ended, or the command did not; the message shows
        the end of the console.
    """
    deadline = time.monotonic() + _CAPTURE_S
    _start(guest, argv, "/", environment, None)
    output = {1: b"", 2: b""}
    while True:
        for document in guest.receive(deadline)[0]:
            event = document.get("event")
            if event == "output":
                output[document["stream"]] += base64.b64decode(document["data"])
            elif event == "stdin":
                guest.send("feed", data="")
            elif event == "ended":
                out, err = (one.decode(errors="replace") for one in output.values())
                code = int(document["code"])
                return subprocess.CompletedProcess(list(argv), code, out, err)


def _start(
    guest: Guest,
    argv: Sequence[str],
    cwd: str,
    environment: Mapping[str, str],
    terminal: list[int] | None,
) -> None:
    words, variables = list(argv), dict(environment)
    guest.call("run", argv=words, cwd=cwd, environment=variables, terminal=terminal)


def _terminal_size() -> list[int]:
    """Return the rows and columns of the terminal."""
    return list(os.get_terminal_size(0))[::-1]


def _has_terminal() -> bool:
    """Whether all streams are a terminal and this process is in its foreground."""
    if not all(os.isatty(one) for one in range(3)):
        return False
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:  # not the controlling terminal of this process
        return False


@contextmanager
def _raw_terminal() -> Iterator[None]:
    """Pass every key on: the guest's terminal interprets them."""
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextmanager
def _signals() -> Iterator[int]:
    """Deliver signals as bytes on a descriptor instead of acting on them."""
    outside, inside = socket.socketpair()
    inside.setblocking(False)
    with outside, inside:
        before = {one: signal.signal(one, _ignore) for one in _FORWARDED}
        wakeup = signal.set_wakeup_fd(inside.fileno())
        try:
            yield outside.fileno()
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing: the wakeup descriptor has the signal number."""


class _AttachedCommand:
    """A running command with this process's streams.

    :param signals: descriptor that delivers signal numbers.
    :param has_terminal: the command has a terminal of the same size as this process.
    """

    def __init__(self, guest: Guest, signals: int, *, has_terminal: bool) -> None:
        self._guest = guest
        self._signals = signals
        self._has_terminal = has_terminal
        self._wants_input = False
        self._deadlines: dict[int, float] = {}
        """Unanswered requests by number, with the time by which an answer is due."""

    def serve(self) -> int:
        """Serve the command until it ends; return its exit code."""
        while True:
            sources = [self._signals, *([0] if self._wants_input else [])]
            deadline = min(self._deadlines.values(), default=None)
            documents, ready = self._guest.receive(deadline, others=sources)
            for document in documents:
                if document.get("event") == "ended":
                    return int(document["code"])
                self._handle(document)
            if self._signals in ready:
                for number in os.read(self._signals, _CHUNK):
                    self._forward_signal(number)
            if 0 in ready:
                self._forward_input()

    def _handle(self, document: Mapping[str, Any]) -> None:
        if document.get("event") == "output":
            self._write(document["stream"], base64.b64decode(document["data"]))
        elif document.get("event") == "stdin":
            self._wants_input = True
        else:
            self._deadlines.pop(document["id"], None)

    def _write(self, stream: int, data: bytes) -> None:
        """Write the command's output; send it SIGPIPE if the reader is gone."""
        try:
            while data:
                data = data[os.write(stream, data) :]
        except OSError:
            self._request("kill", signal=signal.SIGPIPE)

    def _forward_signal(self, number: int) -> None:
        if number != signal.SIGWINCH:
            self._request("kill", signal=number)
        elif self._has_terminal:
            self._request("resize", size=_terminal_size())

    def _forward_input(self) -> None:
        self._wants_input = False
        try:
            data = os.read(0, _CHUNK)
        except OSError:  # standard input is closed
            data = b""
        self._request("feed", data=base64.b64encode(data).decode())

    def _request(self, word: str, **fields: Any) -> None:
        number = self._guest.send(word, **fields)
        self._deadlines[number] = time.monotonic() + _ACKNOWLEDGE_S
