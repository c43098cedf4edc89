"""Alias patterns against the C library that modprobe uses."""

from __future__ import annotations

import ctypes
import locale
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resolver.matching.glob import Glob, compile_pattern, matches, wildcards

LIBC = ctypes.CDLL(None)

HEX = "0123456789ABCDEF"


@pytest.fixture(scope="module", autouse=True)
def _c_locale() -> Iterator[None]:
    # fnmatch(3) takes the order of characters in ranges from the locale.
    previous = locale.setlocale(locale.LC_ALL)
    locale.setlocale(locale.LC_ALL, "C")
    yield
    locale.setlocale(locale.LC_ALL, previous)


def fnmatch(pattern: str, text: str) -> bool:
    """Ask the C library, with no flags, as kmod does."""
    return LIBC.fnmatch(pattern.encode(), text.encode(), 0) == 0


field = st.one_of(
    st.text(HEX, min_size=1, max_size=4),
    st.sampled_from(["*", "?", "??", "[2A]", "[!2A]", "[0-9]", "[^0-9A-C]"]),
)
alias_patterns = st.builds(
    lambda *fields: "vfio_pci:v" + "sv".join(fields), field, field, field
)
alias_texts = st.builds(
    lambda *fields: "vfio_pci:v" + "sv".join(fields),
    *[st.text(HEX, min_size=1, max_size=2)] * 3,
)
any_patterns = st.text("ab-[]!^\\*?:z.", max_size=12)
any_texts = st.text("ab-[]!^\\*?:z.", max_size=8)


@settings(max_examples=500)
@given(pattern=alias_patterns, text=alias_texts)
def test_alias_patterns_match_as_in_the_c_library(pattern: str, text: str) -> None:
    """Patterns that modpost writes match exactly what fnmatch(3) matches."""
    assert matches(pattern, text) == fnmatch(pattern, text)


@settings(max_examples=3000)
@given(pattern=any_patterns, text=any_texts)
@example("[", "[")
@example("[a", "[a")
@example("[!", "[!")
@example("[]a]", "]")
@example("[a-", "[a-")
@example("[[a-", "[[a-")
@example("[c-a]", "b")
@example("[!c-a]", "b")
@example("a\\", "a\\")
@example("[\\", "[\\")
@example("[\\]a]", "]")
@example("[[:]", ":")
def test_any_pattern_matches_as_in_the_c_library(pattern: str, text: str) -> None:
    """Brackets, ranges, escapes and unclosed brackets agree with fnmatch(3)."""
    if "[=" in pattern or "[." in pattern:
        return
    assert matches(pattern, text) == fnmatch(pattern, text)


@given(pattern=any_patterns)
def test_a_pattern_without_special_characters_matches_itself(pattern: str) -> None:
    """Escaping every character gives a pattern that means just that text."""
    escaped = "".join(f"\\{char}" for char in pattern)
    assert matches(escaped, pattern)
    assert wildcards(escaped) == 0


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("[[:digit:]]", "5"),
        ("[[:digit:]]", "a"),
        ("[![:digit:]]", "a"),
        ("[[:nosuch:]]", "a"),
        ("[a[:nosuch:]]", "a"),
        ("[a[:nosuch:]]", "b"),
        ("[![:nosuch:]]", "b"),
        ("[[:punct:]]", "]"),
        ("[[:space:]]", "\t"),
        ("[[=a=]]", "a"),
        ("[[.a.]-c]", "b"),
        ("[a-[.c.]]", "b"),
        ("[[.nosuch.]]", "n"),
        ("[a-\\c]", "b"),
        ("*\n*", "a\nb"),
        ("?", "\n"),
    ],
)
def test_bracket_classes_match_as_in_the_c_library(pattern: str, text: str) -> None:
    """Character classes and collating elements agree with fnmatch(3)."""
    assert matches(pattern, text) == fnmatch(pattern, text)


def test_rank_counts_only_stars_that_are_wildcards() -> None:
    """A star in a bracket or behind a backslash is no wildcard."""
    assert wildcards("vfio_pci:v*d*sv*sd*bc*sc*i*") == 7
    assert wildcards("a[*]b\\*c*") == 1


def test_glob_splits_at_the_first_special_character() -> None:
    """The prefix is all text before the first special character."""
    glob = Glob("vfio_pci:v000015B3d0000101Esv*sd?")
    assert glob.prefix == "vfio_pci:v000015B3d0000101Esv"
    assert glob.tail == "*sd?"
    assert glob.wildcards == 1


def test_many_stars_take_no_exponential_time() -> None:
    """A hostile pattern of many stars is answered at once."""
    assert not compile_pattern("*a" * 30 + "b").fullmatch("a" * 200)
