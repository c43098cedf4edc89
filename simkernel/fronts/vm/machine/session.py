"""One command in a guest, as if it ran here: streams, signals, exit code."""

from __future__ import annotations

import base64
import os
import signal
import socket
import termios
import time
import tty
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import Any

from simkernel.fronts.vm.machine.guest import Guest

__all__ = ["run_command"]

_HEARD = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGWINCH,
)
_HEARD_S = 20.0
"""Seconds in which the guest must take notice of a signal or of input."""
_PIECE = 1 << 16


def run_command(
    guest: Guest, argv: Sequence[str], *, cwd: str, environment: Mapping[str, str]
) -> int:
    """Run a command and return its exit code: 128 and the signal if one ended it.

    Standard input, output and error are this process's; if all are a terminal, the
    command has one, too. Signals that this process gets go to the command.

    :raises GuestError: the guest is gone, or takes no notice any more.
    """
    size = list(os.get_terminal_size(0))[::-1] if _has_terminal() else None
    raw = _raw_terminal() if size else nullcontext()
    with _signals() as signals, raw:
        guest.call(
            "run",
            argv=list(argv),
            cwd=cwd,
            environment=dict(environment),
            terminal=size,
        )
        return _Session(guest, signals, has_terminal=size is not None).last()


def _has_terminal() -> bool:
    """Tell whether a person sits at our terminal and we may use it."""
    if not all(os.isatty(one) for one in range(3)):
        return False
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:  # it is somebody else's
        return False


@contextmanager
def _raw_terminal() -> Iterator[None]:
    """Have the terminal hand on every key: the one in the guest gives them meaning."""
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


@contextmanager
def _signals() -> Iterator[int]:
    """Have signals arrive as bytes at a descriptor, instead of acting on us."""
    outside, inside = socket.socketpair()
    inside.setblocking(False)
    with outside, inside:
        before = {one: signal.signal(one, _ignore) for one in _HEARD}
        wakeup = signal.set_wakeup_fd(inside.fileno())
        try:
            yield outside.fileno()
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Take a signal; the wakeup descriptor has told its number."""


class _Session:
    """A command that runs.

    :param signals: descriptor at which signals arrive.
    :param has_terminal: it has a terminal, of the size of ours.
    """

    def __init__(self, guest: Guest, signals: int, *, has_terminal: bool) -> None:
        self._guest = guest
        self._signals = signals
        self._has_terminal = has_terminal
        self._wants_input = False
        self._unheard: dict[int, float] = {}
        """Requests without an answer yet, and when they were made."""

    def last(self) -> int:
        """Serve the command until it ends; return its exit code."""
        while True:
            sources = [self._signals, *([0] if self._wants_input else [])]
            deadline = min(self._unheard.values(), default=None)
            documents, ready = self._guest.receive(deadline, others=sources)
            for document in documents:
                if document.get("event") == "ended":
                    return int(document["code"])
                self._take(document)
            if self._signals in ready:
                for number in os.read(self._signals, _PIECE):
                    self._signal(number)
            if 0 in ready:
                self._feed()

    def _signal(self, number: int) -> None:
        if number != signal.SIGWINCH:
            self._ask("kill", signal=number)
        elif self._has_terminal:
            self._ask("resize", size=list(os.get_terminal_size(0))[::-1])

    def _take(self, document: Mapping[str, Any]) -> None:
        if document.get("event") == "output":
            self._show(document["stream"], base64.b64decode(document["data"]))
        elif document.get("event") == "stdin":
            self._wants_input = True
        else:
            self._unheard.pop(document["id"], None)

    def _show(self, stream: int, data: bytes) -> None:
        """Write what the command wrote; if nobody reads it, the command is told so."""
        try:
            while data:
                data = data[os.write(stream, data) :]
        except OSError:
            self._ask("kill", signal=signal.SIGPIPE)

    def _feed(self) -> None:
        self._wants_input = False
        try:
            data = os.read(0, _PIECE)
        except OSError:  # there is no standard input
            data = b""
        self._ask("feed", data=base64.b64encode(data).decode())

    def _ask(self, word: str, **fields: Any) -> None:
        self._unheard[self._guest.send(word, **fields)] = time.monotonic() + _HEARD_S
