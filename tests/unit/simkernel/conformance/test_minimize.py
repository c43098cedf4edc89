"""Minimized programs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simkernel.conformance.comparison import Difference, Finding
from simkernel.conformance.minimize import minimize
from simkernel.conformance.operations import Operation, Read, Write

_operations = st.integers(0, 30).map(lambda n: Read(f"/{n}"))


class _Replay:
    """Two kernels that differ after certain operations in order."""

    def __init__(self, needed: tuple[Operation, ...]) -> None:
        self.needed = needed
        self.count = 0

    def __call__(self, program: tuple[Operation, ...]) -> Finding | None:
        self.count += 1
        left = list(self.needed)
        for index, operation in enumerate(program):
            if operation == left[0]:
                left.pop(0)
            if not left:
                return _finding(program[: index + 1])
        return None


def _finding(program: tuple[Operation, ...]) -> Finding:
    return Finding(
        scenario="any",
        operations=program,
        differences=(Difference("errno", "done", "EIO"),),
    )


@given(
    st.lists(_operations, max_size=60), st.lists(_operations, min_size=1, max_size=3)
)
def test_what_is_needed_is_left(
    others: list[Operation], needed: list[Operation]
) -> None:
    """Only the operations that cause the difference remain."""
    replay = _Replay(tuple(needed))
    found = replay((*others, *needed))
    assert found is not None

    small = minimize(found, replay)

    assert replay.needed == small.operations
    assert replay.count <= 62


def test_names_and_texts_become_simpler() -> None:
    """An earlier driver's name replaces a later one; text after a NUL goes."""
    needed = (Write("/drivers/first/bind", b"a"),)
    replay = _Replay(needed)
    found = _finding((Write("/drivers/other/bind", b"a\0bc"),))

    def both(program: tuple[Operation, ...]) -> Finding | None:
        return _finding(program) if b"a\0bc" in _data(program) else replay(program)

    assert needed == minimize(found, both, [("first", "other")]).operations


def _data(program: tuple[Operation, ...]) -> list[bytes]:
    return [one.data for one in program if isinstance(one, Write)]


def test_tries_are_limited() -> None:
    """Each rerun takes time, so their number is limited."""
    replay = _Replay(tuple(Read(f"/{n}") for n in range(40)))

    small = minimize(_finding(replay.needed), replay, max_tries=7)

    assert replay.needed == small.operations
    assert replay.count == 7
