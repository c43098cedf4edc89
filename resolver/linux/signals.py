"""Signals that would end this process in the middle of its work."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

__all__ = ["held_off", "stopped_by_interrupt"]

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def held_off() -> Iterator[None]:
    """Ignore what would end this process while the block runs."""
    previous = {}
    try:
        for number in _ENDING:
            previous[number] = signal.signal(number, signal.SIG_IGN)
    except ValueError:
        pass  # Not the main thread, to which alone signals are delivered.
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def stopped_by_interrupt() -> None:
    """Let SIGTERM and SIGHUP interrupt as Ctrl-C does, so that all is put back."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
