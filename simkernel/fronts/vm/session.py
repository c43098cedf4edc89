"""One command in a guest, as if it ran here: streams, signals, exit code."""

from __future__ import annotations

import base64
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from simkernel.fronts.vm.guest import Guest

__all__ = ["run_command"]

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_HEARD_S = 20.0
"""Seconds in which the guest must take notice of a signal or of input."""
_PIECE = 1 << 16


def run_command(
    guest: Guest, argv: Sequence[str], *, cwd: str, environment: Mapping[str, str]
) -> int:
    """Run a command and return its exit code: 128 and the signal if one ended it.

    Standard input, output and error are this process's; signals that it gets go to
    the command.

    :raises GuestError: the guest is gone, or takes no notice any more.
    """
    with _signals() as signals:
        guest.call("run", argv=list(argv), cwd=cwd, environment=dict(environment))
        return _Session(guest, signals).last()


@contextmanager
def _signals() -> Iterator[int]:
    """Have signals arrive as bytes at a descriptor, instead of acting on us."""
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
    """Take a signal; the wakeup descriptor has told its number."""


class _Session:
    """A command that runs.

    :param signals: descriptor at which signals arrive.
    """

    def __init__(self, guest: Guest, signals: int) -> None:
        self._guest = guest
        self._signals = signals
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
                    self._ask("kill", signal=number)
            if 0 in ready:
                self._feed()

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
