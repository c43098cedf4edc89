"""The kernel's clock: it runs only if a front starts it.

While it stands still, operations take no time, and delayed actions run at once.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["FOREVER", "Clock"]

FOREVER = -1
"""Milliseconds of a wait that never ends."""

_POLL_S = 0.005
"""Seconds between two looks at a condition."""
_FOREVER_S = 3600.0
"""Seconds of one sleep in an endless wait."""


class Clock:
    """The clock, and the delayed actions (workqueues, timers)."""

    __slots__ = ("_due", "_now", "_sleep")

    def __init__(self) -> None:
        self._now: Callable[[], float] | None = None
        self._sleep: Callable[[float], None] = lambda seconds: None
        self._due: list[tuple[float, Callable[[], None]]] = []

    def run(self, now: Callable[[], float], sleep: Callable[[float], None]) -> None:
        """Start the clock.

        :param now: returns a time in seconds; only differences count.
        :param sleep: makes the caller wait; takes seconds.
        """
        self._now, self._sleep = now, sleep

    def wait(self, milliseconds: int) -> None:
        """Make the current operation take time; a negative number never ends."""
        while milliseconds < 0 and self._now is not None:
            self._sleep(_FOREVER_S)
        if milliseconds > 0:
            self._sleep(milliseconds / 1000)

    def until(self, condition: Callable[[], bool]) -> None:
        """Make the current operation wait for a condition.

        While the clock stands still, operations do not overlap: the condition holds.
        """
        while not condition():
            assert self._now is not None, "no other operation can fulfil the condition"
            self._sleep(_POLL_S)

    def later(self, milliseconds: int, action: Callable[[], None]) -> None:
        """Delay an action; it runs in the first :meth:`tick` after that time."""
        if milliseconds <= 0 or self._now is None:
            action()
        else:
            self._due.append((self._now() + milliseconds / 1000, action))

    @property
    def next_due(self) -> float | None:
        """Time of the next delayed action, in seconds; None: none."""
        return min((due for due, _ in self._due), default=None)

    def tick(self) -> None:
        """Run the delayed actions whose time has come."""
        if self._now is None:
            return
        now = self._now()
        ready = [action for due, action in self._due if due <= now]
        self._due = [one for one in self._due if one[0] > now]
        for action in ready:
            action()
