"""Shell patterns match as those of the C library do."""

from __future__ import annotations

import ctypes
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simkernel.kmod.pattern import matches

characters = st.text("ab-*?[]!^\\.:zA0/", max_size=9)


@pytest.mark.skipif(sys.platform != "linux", reason="the judge is glibc's fnmatch(3)")
@given(pattern=characters, text=st.text("ab-.:zA0/[]\\", max_size=6))
@example(pattern="[]a]", text="]")
@example(pattern="[!]a]", text="b")
@example(pattern="[a", text="[a")
@example(pattern="a\\", text="a\\")
@example(pattern="[b-a]", text="b")
@example(pattern="[[:digit:]]", text="0")
@example(pattern="[^[:alpha:]]", text="0")
@example(pattern="[a\\-z]", text="-")
@example(pattern="*", text=".a/b")
def test_matches_what_the_c_library_matches(pattern: str, text: str) -> None:
    """The answer is that of fnmatch(3) without flags."""
    libc = ctypes.CDLL(None)
    expected = libc.fnmatch(pattern.encode(), text.encode(), 0) == 0

    assert matches(pattern, text) == expected


def test_newline_is_an_ordinary_character() -> None:
    """A wildcard also takes a newline."""
    assert matches("a*c", "a\nc")
