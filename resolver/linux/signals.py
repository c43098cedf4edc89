"""Signals that would end this process."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

__all__ = ["as_interrupts", "held_off", "hold", "until_reported"]

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_Handler = Callable[[int, "FrameType | None"], None] | signal.Handlers


class _Results(threading.local):
    """The result that a thread is about to report."""

    waiting: _Waiting | None = None


_results = _Results()


class _Waiting:
    """Signals that wait until a result is reported."""

    def __init__(self) -> None:
        self._previous: dict[signal.Signals, _Handler] = {}
        self._arrived: list[int] = []

    def hold(self) -> None:
        """Collect signals from now on; ignored ones stay ignored."""
        for number in _ENDING:
            before = signal.getsignal(number)
            if before in (None, signal.SIG_IGN) or number in self._previous:
                continue
            with contextlib.suppress(ValueError):  # as in _handled
                signal.signal(number, self._collect)
                self._previous[number] = before  # type: ignore[assignment]  # not None

    def deliver(self) -> None:
        """Restore the handlers, and raise the collected signals."""
        for number, before in self._previous.items():
            signal.signal(number, before)
        for arrived in self._arrived:
            signal.raise_signal(arrived)

    def _collect(self, number: int, frame: FrameType | None) -> None:
        self._arrived.append(number)


@contextlib.contextmanager
def until_reported() -> Iterator[None]:
    """Deliver signals that arrive after :func:`hold` at the end of the block.

    The block makes a change, and hands its result over.
    """
    outer = _results.waiting
    waiting = _results.waiting = _Waiting()
    try:
        yield
    finally:
        _results.waiting = outer
        waiting.deliver()


def hold() -> None:
    """Let signals wait until the present result is reported, if there will be one.

    A signal must not hide a result that is final: the exit code would not say what is
    on the host.
    """
    if _results.waiting is not None:
        _results.waiting.hold()


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
