"""Binary indexes: what goes in is found, by name and by pattern."""

from __future__ import annotations

import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simkernel.kmod.index import Index
from simkernel.kmod.index_build import build
from simkernel.kmod.pattern import matches

keys = st.text("ab*?_:", max_size=5)
entries = st.lists(st.tuples(keys, st.text("mn", max_size=2), st.integers(0, 3)))


@settings(deadline=None)
@given(entries=entries)
def test_dump_lists_every_entry_by_key_and_priority(
    entries: list[tuple[str, str, int]],
) -> None:
    """Keys come in byte order; values in priority order, newest first among equals."""
    newest_first = entries[::-1]
    expected = sorted(newest_first, key=lambda entry: (entry[0], entry[2]))

    dumped = list(Index(build(entries)).dump())

    assert dumped == [(key, value) for key, value, _ in expected]


@settings(deadline=None)
@given(entries=entries, key=st.text("ab_:*", max_size=5))
def test_search_gives_the_first_value(
    entries: list[tuple[str, str, int]], key: str
) -> None:
    """An exact look-up finds the value with the lowest priority, the newest of them."""
    index = Index(build(entries))
    values = [value for found, value in index.dump() if found == key]

    assert index.search(key) == (values[0] if values else None)


@settings(deadline=None)
@given(entries=entries, key=st.text("ab_:", max_size=5))
def test_wildcard_search_finds_every_pattern_that_matches(
    entries: list[tuple[str, str, int]], key: str
) -> None:
    """All values of matching patterns, in the order of their priorities."""
    found = Index(build(entries)).search_wild(key)
    expected = [(rank, value) for name, value, rank in entries if matches(name, key)]

    assert sorted(found) == sorted(value for _, value in expected)


def test_equal_priorities_give_the_value_found_last_first() -> None:
    """As libkmod does, built-in aliases (all of priority 0) come out turned round."""
    index = Index(build([("a*", "one", 0), ("ab", "two", 0), ("ab", "three", 0)]))

    assert index.search_wild("ab") == ["two", "three", "one"]


@settings(deadline=None)
@given(data=st.binary(max_size=80), entries=entries, at=st.integers(8, 200))
@example(data=bytes(7), entries=[(":::::", "", 0)] * 2, at=25)
def test_broken_file_is_searched_without_harm(
    data: bytes, entries: list[tuple[str, str, int]], at: int
) -> None:
    """Garbage in the middle of an index loses entries, nothing worse."""
    whole = build(entries)
    index = Index((whole[:at] + data + whole[at + len(data) :]).ljust(12, b"\0"))

    index.search("ab")
    index.search_wild("ab")
    list(index.dump())


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 20, struct.pack(">III", 0xB007F457, 0x00030000, 12)],
    ids=["empty", "magic", "version"],
)
def test_other_files_are_refused(data: bytes) -> None:
    """A file that is no index of this version is refused."""
    with pytest.raises(ValueError, match=r"short|check fail"):
        Index(data)


def test_text_that_is_not_ascii_is_refused() -> None:
    """Depmod refuses such a key too."""
    with pytest.raises(UnicodeEncodeError):
        build([("ä", "m", 0)])
