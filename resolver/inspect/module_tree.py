"""The lists that depmod writes, as modprobe looks names up in them.

Pure: content of files in, names out. modprobe reads the binary indexes that depmod
writes beside these texts; both have the same content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from resolver.inspect.modprobe_d import normalized
from resolver.matching.glob import matches

__all__ = ["ModuleTree"]

_WILDCARDS = "*?["
_END = 1 << 30


class _Entry(NamedTuple):
    pattern: str
    module: str
    rank: int


class ModuleTree:
    """The module directory of a kernel.

    :param read: function that returns the content of a file there; ``None``: missing.
    """

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read

    @cached_property
    def is_indexed(self) -> bool:
        """Whether ``modules.dep`` is there."""
        return self._read("modules.dep") is not None

    @cached_property
    def lists_builtin(self) -> bool:
        """Whether ``modules.builtin`` is there; else any module may be built in."""
        return self._read("modules.builtin") is not None

    @cached_property
    def files(self) -> dict[str, tuple[str, ...]]:
        """Module to its file, and the files that it needs in load order.

        Source: kmod 30, libkmod/libkmod-module.c, kmod_module_parse_depline().
        """
        found: dict[str, tuple[str, ...]] = {}
        for line in self._lines("modules.dep"):
            path, is_entry, needs = line.partition(":")
            if is_entry:
                found.setdefault(name_in(path), (path, *reversed(needs.split())))
        return found

    @cached_property
    def builtin(self) -> frozenset[str]:
        """Names in ``modules.builtin``."""
        lines = self._lines("modules.builtin")
        return frozenset(name_in(line) for line in lines if line)

    def by_alias(self, name: str) -> list[str]:
        """Return the modules with an alias that matches, in modprobe's order."""
        return _search(self._aliases, name)

    def by_symbol(self, name: str) -> list[str]:
        """Return the modules that export ``symbol:NAME``."""
        return _search(self._symbols, name)

    def by_builtin_alias(self, name: str) -> list[str]:
        """Return the built-in modules with an alias that matches."""
        return _search(self._builtin_aliases, name)

    @cached_property
    def _aliases(self) -> list[_Entry]:
        return _ranked(self._pairs("modules.alias"))

    @cached_property
    def _symbols(self) -> list[_Entry]:
        return _ranked(self._pairs("modules.symbols"))

    @cached_property
    def _builtin_aliases(self) -> list[_Entry]:
        found = []
        for record in self._text("modules.builtin.modinfo").split("\0"):
            key, is_set, value = record.partition("=")
            module, _, field = key.partition(".")
            pattern = normalized(value)
            if is_set and field == "alias" and pattern:
                found.append(_Entry(pattern, module.replace("-", "_"), 0))
        return found

    def _pairs(self, file: str) -> Iterator[tuple[str, str]]:
        for line in self._lines(file):
            keyword, _, rest = line.partition(" ")
            alias, _, module = rest.rpartition(" ")
            pattern = normalized(alias)
            if keyword == "alias" and pattern:
                yield pattern, module

    def _lines(self, file: str) -> list[str]:
        return self._text(file).split("\n")

    def _text(self, file: str) -> str:
        return (self._read(file) or b"").decode("utf-8", "surrogateescape")


def name_in(path: str) -> str:
    """Return the module in a file: up to the first dot, with ``_`` for ``-``.

    Source: kmod 30, shared/util.c, path_to_modname().
    """
    return path.rpartition("/")[2].partition(".")[0].replace("-", "_")


# Earlier modules come first, as depmod numbers them.
def _ranked(pairs: Iterable[tuple[str, str]]) -> list[_Entry]:
    ranks: dict[str, int] = {}
    return [
        _Entry(pattern, module, ranks.setdefault(module, len(ranks)))
        for pattern, module in pairs
    ]


# The index is a tree of characters. The search follows the name, and tries the patterns
# below each wildcard that it passes. A wildcard that all patterns share ends it.
# Source: kmod 30, libkmod/libkmod-index.c, index_mm_searchwild().
def _search(entries: list[_Entry], name: str) -> list[str]:
    found: list[_Entry] = []
    group, at = entries, 0
    while group:
        shared = _shared_length(group, at)
        for char in group[0].pattern[at:shared]:
            if char in _WILDCARDS:
                found += _matching(group, name, at)
                return _in_order(found)
            if name[at : at + 1] != char:
                return _in_order(found)
            at += 1
        for wildcard in _WILDCARDS:
            below = [one for one in group if one.pattern[at : at + 1] == wildcard]
            found += _matching(below, name, at)
        if at == len(name):
            found += reversed([one for one in group if one.pattern == name])
            break
        group = [one for one in group if one.pattern[at : at + 1] == name[at]]
        at += 1
    return _in_order(found)


def _shared_length(group: list[_Entry], at: int) -> int:
    first, last = min(group).pattern, max(group).pattern
    while at < len(first) and first[at] == last[at : at + 1]:
        at += 1
    return at


# In the order of the tree: a longer pattern before its beginning.
def _matching(group: list[_Entry], name: str, at: int) -> list[_Entry]:
    found = [one for one in reversed(group) if matches(one.pattern[at:], name[at:])]
    return sorted(found, key=lambda one: (*map(ord, one.pattern[at:]), _END))


# By rank; of equal ones, the one found last comes first.
def _in_order(found: list[_Entry]) -> list[str]:
    found.reverse()
    found.sort(key=lambda one: one.rank)
    return [one.module for one in found]
