"""Operations as lines and as objects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkernel.conformance.operations import (
    Load,
    Operation,
    Plug,
    Read,
    Unload,
    Unplug,
    Write,
    from_json,
    from_line,
    to_json,
    to_line,
)
from simkernel.errors import UsageError

_latin = st.text(st.characters(max_codepoint=255))
_words = st.one_of(
    _latin.filter(bool), st.from_regex(r"[a-z/:_.]{1,9}", fullmatch=True)
)
_operations: st.SearchStrategy[Operation] = st.one_of(
    st.builds(Write, _words, st.binary()),
    st.builds(
        lambda path, byte, count: Write(path, byte * count),
        _words,
        st.binary(min_size=1, max_size=3),
        st.integers(0, 5000),
    ),
    st.builds(Read, _words),
    st.builds(Load, _words, _latin),
    st.builds(Unload, _words),
    st.builds(Unplug, _words),
    st.builds(Plug, _words),
)


@given(_operations)
def test_line_says_the_operation(operation: Operation) -> None:
    """A line gives the same operation, and has no newline."""
    line = to_line(operation)

    assert operation == from_line(line)
    assert line.isprintable()
    assert "\n" not in line


@given(_operations)
def test_object_is_the_operation(operation: Operation) -> None:
    """An object gives the same operation."""
    assert operation == from_json(to_json(operation))


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Write("/sys/a", b"0000:3b:00.2\n"), r"write /sys/a '0000:3b:00.2\n'"),
        (Write("/sys/a", b""), "write /sys/a ''"),
        (Write("/sys/a b", b"x" * 4095 + b"\0"), r"write '/sys/a b' 'x'*4095'\0'"),
        (Load("vfio_pci"), "load vfio_pci"),
        (Load("vfio_pci", "a=1 b"), "load vfio_pci 'a=1 b'"),
        (Unplug("0000:3b:00.0"), "unplug 0000:3b:00.0"),
    ],
)
def test_lines_are_short_and_plain(operation: Operation, expected: str) -> None:
    """Long writes give short lines."""
    assert expected == to_line(operation)


@pytest.mark.parametrize(
    "line",
    ["", "write /sys/a", "read", "jump over", "load a b c", "read 'a", "write ' "],
)
def test_line_that_says_nothing_is_refused(line: str) -> None:
    """The error quotes the line."""
    with pytest.raises(UsageError, match=r"operation|quotes"):
        from_line(line)


def test_misspelled_operation_is_corrected() -> None:
    """The error suggests the operation, and its hint shows a valid line."""
    with pytest.raises(UsageError, match=r"did you mean unload\?\nhint: write an"):
        from_line("unlod vfio_pci")


@pytest.mark.parametrize(
    "made", [{}, {"op": "write"}, {"op": "no"}, {"op": "read", "path": "/", "data": ""}]
)
def test_object_that_is_no_operation_is_refused(made: dict[str, str]) -> None:
    """A missing or an extra field is an error."""
    with pytest.raises(UsageError, match="invalid operation"):
        from_json(made)
