"""Signals that would end this process."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

__all__ = ["as_interrupts", "held_off"]

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_Handler = Callable[[int, "FrameType | None"], None] | signal.Handlers


@contextlib.contextmanager
def held_off() -> Iterator[None]:
    """Ignore these signals while the block runs."""
    with _handled(dict.fromkeys(_ENDING, signal.SIG_IGN)):
        yield


@contextlib.contextmanager
def as_interrupts() -> Iterator[None]:
    """Turn these signals into ``KeyboardInterrupt`` while the block runs.

    Ignored signals stay ignored, such as SIGHUP under nohup.
    """
    ending = [n for n in _ENDING if signal.getsignal(n) is signal.SIG_DFL]
    with _handled(dict.fromkeys(ending, _interrupt)):
        yield


@contextlib.contextmanager
def _handled(handlers: Mapping[signal.Signals, _Handler]) -> Iterator[None]:
    previous = {}
    # ValueError: not the main thread, which alone gets signals.
    with contextlib.suppress(ValueError):
        for number, handler in handlers.items():
            previous[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
