"""Numbers of groups and VFIO devices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkernel.model.core.numbers import LowestFree


@given(st.lists(st.integers(0, 20)))
def test_number_taken_is_always_the_lowest_free(steps: list[int]) -> None:
    """Whatever was taken and given back, the next one is the lowest that is free."""
    numbers, taken = LowestFree(), set[int]()
    for step in steps:
        if step in taken:
            numbers.give_back(step)
            taken.remove(step)
        else:
            number = numbers.take()
            assert number == min(set(range(len(taken) + 1)) - taken)
            taken.add(number)


@given(st.sets(st.integers(0, 30)), st.integers(1, 20))
def test_named_numbers_are_passed_over(named: set[int], count: int) -> None:
    """Numbers that were asked for by name are not handed out again."""
    numbers = LowestFree()
    for number in named:
        numbers.take(number)

    free = [number for number in range(60) if number not in named]

    assert free[:count] == [numbers.take() for _ in range(count)]


def test_number_in_use_cannot_be_taken_by_name() -> None:
    """Two groups never share a number."""
    numbers = LowestFree()
    numbers.take(3)

    with pytest.raises(ValueError, match="in use"):
        numbers.take(3)
