"""Shell patterns match as those of the C library do."""

from __future__ import annotations

import ctypes
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simkernel.kmod.pattern import matches

members = st.sampled_from(
    ["a", "b", "0", "a-z", "b-a", "A-Z0", "[:digit:]", "[:alpha:]", "[:upper:]", ".",
     "*", "?", "!", "^", "\\]", "\\a", "\\a-z", "["]
)  # fmt: skip
brackets = st.builds(
    "[{}{}{}{}]".format,
    st.sampled_from(["", "", "!", "^"]),
    st.sampled_from(["", "", "]", "-"]),
    st.lists(members, min_size=1, max_size=3).map("".join),
    st.sampled_from(["", "-"]),
)
parts = st.one_of(
    st.text("ab-*?]!^.:zA0/", min_size=1, max_size=5),
    st.sampled_from(["\\*", "\\?", "\\[", "\\a", "\\\\"]),
    brackets,
)
patterns = st.builds(
    "{}{}".format,
    st.lists(parts, max_size=4).map("".join),
    st.sampled_from(["", "", "[", "[a", "\\"]),
)


@pytest.mark.skipif(sys.platform != "linux", reason="the judge is glibc's fnmatch(3)")
@settings(deadline=None)
@given(pattern=patterns, text=st.text("ab-.:zA0/[]\\*?!^", max_size=5))
@example(pattern="[]a]", text="]")
@example(pattern="[!]a]", text="b")
@example(pattern="[a", text="[a")
@example(pattern="a\\", text="a\\")
@example(pattern="[b-a]", text="b")
@example(pattern="[[:digit:]]", text="0")
@example(pattern="[^[:alpha:]]", text="0")
@example(pattern="[a\\-z]", text="-")
@example(pattern="*", text=".a/b")
@example(pattern="[0-", text="[0-")
@example(pattern="[[a", text="[[a")
@example(pattern="[[:foo:]a]", text="a")
@example(pattern="[a[:foo:]]", text="a")
@example(pattern="[a\\", text="[a")
@example(pattern="[[:upper:]-z]", text="-")
@example(pattern="[a-\\]]", text="b")
def test_matches_what_the_c_library_matches(pattern: str, text: str) -> None:
    """The answer is that of fnmatch(3) without flags."""
    libc = ctypes.CDLL(None)
    expected = libc.fnmatch(pattern.encode(), text.encode(), 0) == 0

    assert matches(pattern, text) == expected


def test_newline_is_an_ordinary_character() -> None:
    """A wildcard also takes a newline."""
    assert matches("a*c", "a\nc")


def test_many_stars_take_no_exponential_time() -> None:
    """A hostile pattern is answered at once."""
    assert not matches("*a" * 30 + "b", "a" * 200)
