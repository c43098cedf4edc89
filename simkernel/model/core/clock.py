"""Time as the kernel model has it: it passes only where somebody makes it.

Without a real clock nothing takes time, and what is due later happens at once.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["FOREVER", "Clock"]

FOREVER = -1
"""Milliseconds of a wait that never ends."""

_LOOK_EVERY_S = 0.005
_FOREVER_S = 3600.0
"""Seconds that one sleep of an endless wait takes."""


class Clock:
    """The kernel's clock, and what is to happen later."""

    __slots__ = ("_due", "_now", "_sleep")

    def __init__(self) -> None:
        self._now: Callable[[], float] | None = None
        self._sleep: Callable[[float], None] = lambda seconds: None
        self._due: list[tuple[float, Callable[[], None]]] = []

    def run(self, now: Callable[[], float], sleep: Callable[[float], None]) -> None:
        """Let real time pass.

        :param now: seconds since some moment.
        :param sleep: lets the caller wait, in seconds.
        """
        self._now, self._sleep = now, sleep

    def wait(self, milliseconds: int) -> None:
        """Let the operation under way take its time; a negative one never ends."""
        while milliseconds < 0 and self._now is not None:
            self._sleep(_FOREVER_S)
        if milliseconds > 0:
            self._sleep(milliseconds / 1000)

    def until(self, condition: Callable[[], bool]) -> None:
        """Let the operation under way wait for what another one does meanwhile.

        Where one operation is over before the next begins, it is done already.
        """
        while not condition():
            assert self._now is not None, "nobody else is there who could do it"
            self._sleep(_LOOK_EVERY_S)

    def later(self, milliseconds: int, action: Callable[[], None]) -> None:
        """Do something when that time has passed, at the first look after it."""
        if milliseconds <= 0 or self._now is None:
            action()
        else:
            self._due.append((self._now() + milliseconds / 1000, action))

    @property
    def next_due(self) -> float | None:
        """When something is due next, in seconds of the clock; None: nothing is."""
        return min((due for due, _ in self._due), default=None)

    def tick(self) -> None:
        """Do what is due."""
        if not self._due or self._now is None:
            return
        now = self._now()
        ready = [action for due, action in self._due if due <= now]
        self._due = [one for one in self._due if one[0] > now]
        for action in ready:
            action()
