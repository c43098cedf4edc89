"""Read ``modules.*.bin``, tries with wildcard keys.

Layout, all numbers big-endian 32 bit: magic, version, reference of the root node;
then the nodes, children before parents. A reference is an offset with flags in its
high nibble that tell which parts the node has, in this order: prefix (text, NUL),
children (first and last character, then one reference each, 0 for none), values
(count, then for each: priority, text, NUL). The root has the empty key.

Reads them; they are made in ``simkernel.kmod.index_build``. Source: libkmod-index.c.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from simkernel.kmod.pattern import matches

__all__ = ["CHILDREN", "MAGIC", "PREFIX", "VALUES", "VERSION", "Index"]

MAGIC: Final = 0xB007F457
"""First number of every index."""
VERSION: Final = 0x00020001
"""Second number; only its upper half must fit."""
PREFIX: Final = 0x80000000
"""Flag of a reference: the node has a prefix."""
VALUES: Final = 0x40000000
"""Flag of a reference: the node has values."""
CHILDREN: Final = 0x20000000
"""Flag of a reference: the node has children."""
_OFFSET: Final = 0x0FFFFFFF
_WILDCARDS: Final = "*?["


class _Node:
    # A node as read from the file; ValueError and the like if it is broken.

    __slots__ = ("_children", "_data", "_offset", "first", "last", "prefix", "values")

    def __init__(self, data: bytes, reference: int) -> None:
        self._data = data
        self._offset = at = reference & _OFFSET
        self.prefix = ""
        if reference & PREFIX:
            self.prefix, at = _text(data, at)
        self.first, self.last, self._children = 1, 0, 0
        if reference & CHILDREN:
            self.first, self.last = data[at], data[at + 1]
            self._children = at + 2
            at += 2 + 4 * (self.last - self.first + 1)
        self.values: list[tuple[int, str]] = []
        if reference & VALUES:
            (count,) = struct.unpack_from(">I", data, at)
            at += 4
            for _ in range(count):
                (priority,) = struct.unpack_from(">I", data, at)
                value, at = _text(data, at + 4)
                self.values.append((priority, value))

    def child(self, char: str) -> _Node | None:
        code = ord(char)
        if not self.first <= code <= self.last:
            return None
        at = self._children + 4 * (code - self.first)
        if at + 4 > len(self._data):
            return None
        (reference,) = struct.unpack_from(">I", self._data, at)
        # Children come before their parents: what says otherwise might be endless.
        if not 0 < reference & _OFFSET < self._offset:
            return None
        return _read_node(self._data, reference)

    def children(self) -> Iterator[tuple[str, _Node]]:
        for code in range(self.first, self.last + 1):
            child = self.child(chr(code))
            if child is not None:
                yield chr(code), child


def _read_node(data: bytes, reference: int) -> _Node | None:
    # The node, None if the file is broken there.
    try:
        return _Node(data, reference)
    except (IndexError, ValueError, struct.error):
        return None


def _text(data: bytes, at: int) -> tuple[str, int]:
    # The NUL-terminated text at `at`, and the position after it.
    end = data.index(0, at)
    return data[at:end].decode("utf-8", "surrogateescape"), end + 1


class Index:
    """An index file, searched without being read whole.

    What lies below a broken node is not found.

    :param data: content of the file.
    :raises ValueError: it is no index of a version that kmod 30 reads.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) < 12:
            raise ValueError("too short")
        magic, version, self._root = struct.unpack_from(">III", data)
        if magic != MAGIC:
            raise ValueError(f"magic check fail: {magic:x} instead of {MAGIC:x}")
        if version >> 16 != VERSION >> 16:
            raise ValueError(
                f"major version check fail: {version >> 16} instead of {VERSION >> 16}"
            )
        self._data = data

    def search(self, key: str) -> str | None:
        """Return the first value of a key; ``None``: no such key.

        Source: libkmod-index.c index_mm_search().
        """
        node = _read_node(self._data, self._root)
        at = 0
        while node is not None:
            if not key.startswith(node.prefix, at):
                return None
            at += len(node.prefix)
            if at == len(key):
                return node.values[0][1] if node.values else None
            node = node.child(key[at])
            at += 1
        return None

    def search_wild(self, key: str) -> list[str]:
        """Return the values of every pattern that matches a key.

        In ascending priority; among equals the one found last comes first.

        Source: libkmod-index.c index_mm_searchwild().
        """
        found: list[tuple[int, str]] = []
        node = _read_node(self._data, self._root)
        at = 0
        while node is not None:
            for length, char in enumerate(node.prefix):
                if char in _WILDCARDS:
                    _match_below(node, length, "", key[at + length :], found)
                    return _by_priority(found)
                if key[at + length : at + length + 1] != char:
                    return _by_priority(found)
            at += len(node.prefix)
            for wildcard in _WILDCARDS:
                child = node.child(wildcard)
                if child is not None:
                    _match_below(child, 0, wildcard, key[at:], found)
            if at == len(key):
                found += node.values
                break
            node = node.child(key[at])
            at += 1
        return _by_priority(found)

    def dump(self) -> Iterator[tuple[str, str]]:
        """Yield every ``(key, value)`` in the order of the keys' bytes.

        Source: libkmod-index.c index_mm_dump().
        """
        root = _read_node(self._data, self._root)
        if root is not None:
            yield from _dump(root, "")


def _match_below(
    node: _Node, skip: int, pattern: str, key: str, found: list[tuple[int, str]]
) -> None:
    # Every pattern in this subtree against what is left of the key.
    pattern += node.prefix[skip:]
    for char, child in node.children():
        _match_below(child, 0, pattern + char, key, found)
    if node.values and matches(pattern, key):
        found += node.values


def _by_priority(found: list[tuple[int, str]]) -> list[str]:
    # Each value goes before those of the same priority that were found earlier.
    newest_first = found[::-1]
    return [value for _, value in sorted(newest_first, key=lambda each: each[0])]


def _dump(node: _Node, key: str) -> Iterator[tuple[str, str]]:
    # Depth first, a node before its children.
    key += node.prefix
    for _, value in node.values:
        yield key, value
    for char, child in node.children():
        yield from _dump(child, key + char)
