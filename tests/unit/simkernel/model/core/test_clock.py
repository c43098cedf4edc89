"""Waits and delayed actions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simkernel.model.core.clock import FOREVER, Clock


class _Time:
    """A clock that only sleeps advance."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sleeps: list[float] = []
        self.clock = Clock()
        self.clock.run(lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


class _Interrupted(Exception):
    pass


def test_clock_that_stands_still_takes_no_time() -> None:
    """Waits end at once, even endless ones, and delayed actions run at once."""
    clock, done = Clock(), list[str]()

    clock.wait(FOREVER)
    clock.wait(1000)
    clock.later(1000, lambda: done.append("action"))
    clock.tick()

    assert done == ["action"]
    assert clock.next_due is None


def test_wait_sleeps_for_its_milliseconds() -> None:
    """No time is no sleep."""
    time = _Time()

    for milliseconds in (0, 1, 1500):
        time.clock.wait(milliseconds)

    assert time.sleeps == [0.001, 1.5]


def test_endless_wait_sleeps_again_and_again() -> None:
    """It ends only with the process."""
    clock, sleeps = Clock(), list[float]()

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        if len(sleeps) == 3:
            raise _Interrupted

    clock.run(lambda: 0.0, sleep)
    with pytest.raises(_Interrupted):
        clock.wait(FOREVER)

    assert sleeps == [3600.0] * 3


def test_until_sleeps_until_the_condition_holds() -> None:
    """It looks first: a condition that holds costs no time."""
    time = _Time()

    time.clock.until(lambda: True)
    assert time.sleeps == []
    time.clock.until(lambda: len(time.sleeps) == 2)
    assert time.sleeps == [0.005, 0.005]


def test_condition_that_nothing_can_fulfil_is_a_mistake() -> None:
    """While the clock stands still, no other operation runs."""
    with pytest.raises(AssertionError, match="no other operation"):
        Clock().until(lambda: False)


def test_delayed_actions_run_in_the_first_tick_after_their_time() -> None:
    """In the order in which they were delayed; each once."""
    time, done = _Time(), list[str]()

    def note(name: str) -> Callable[[], None]:
        return lambda: done.append(name)

    time.clock.tick()
    time.clock.later(0, note("now"))
    time.clock.later(-1, note("negative"))
    assert done == ["now", "negative"]
    time.clock.later(3000, note("third"))
    time.clock.later(1, note("first"))
    time.clock.later(2000, note("second"))
    assert time.clock.next_due == 100.001

    time.clock.tick()
    assert len(done) == 2
    time.now = 102.0
    time.clock.tick()
    assert done[2:] == ["first", "second"]
    assert time.clock.next_due == 103.0
    time.clock.tick()
    time.now = 200.0
    time.clock.tick()
    time.clock.tick()
    assert done[2:] == ["first", "second", "third"]
    assert time.clock.next_due is None


def test_action_of_exactly_now_is_not_lost() -> None:
    """An action is due when its time comes, not after it."""
    time, done = _Time(), list[str]()
    time.clock.later(500, lambda: done.append("action"))

    time.now = 100.5
    time.clock.tick()
    time.clock.tick()

    assert done == ["action"]
