"""Write the index files that ``simkernel.kmod.index`` reads."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from simkernel.kmod.index import CHILDREN, MAGIC, PREFIX, VALUES, VERSION

__all__ = ["Entry", "build"]

Entry = tuple[str, str, int]
"""Key, value, priority."""


class _Branch:
    # A node while the trie is being built.

    __slots__ = ("children", "prefix", "values")

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.values: list[tuple[int, str]] = []
        self.children: dict[str, _Branch] = {}

    def add(self, value: str, priority: int) -> None:
        # Ascending priority; among equals the newest first.
        at = 0
        while at < len(self.values) and self.values[at][0] < priority:
            at += 1
        self.values.insert(at, (priority, value))

    def split(self, at: int) -> None:
        # Keep prefix[:at]; what follows moves into the child prefix[at].
        child = _Branch(self.prefix[at + 1 :])
        child.values, child.children = self.values, self.children
        self.values, self.children = [], {self.prefix[at]: child}
        self.prefix = self.prefix[:at]


def build(entries: Iterable[Entry]) -> bytes:
    """Return the index file of ``(key, value, priority)`` entries.

    :param entries: keys and values are ASCII; look-ups that find several values give
        them in ascending priority.
    :raises UnicodeEncodeError: a key or value is not ASCII, which depmod refuses too.

    Source: tools/depmod.c index_insert(), index_write().
    """
    root = _Branch("")
    for key, value, priority in entries:
        key.encode("ascii")
        _insert(root, key, value, priority)
    data = bytearray(struct.pack(">III", MAGIC, VERSION, 0))
    struct.pack_into(">I", data, 8, _write(root, data))
    return bytes(data)


def _insert(node: _Branch, key: str, value: str, priority: int) -> None:
    # Walk down `key`, splitting or adding nodes where the trie does not have it.
    at = 0
    while True:
        for length, char in enumerate(node.prefix):
            if key[at + length : at + length + 1] != char:
                node.split(length)
                break
        at += len(node.prefix)
        if at == len(key):
            node.add(value, priority)
            return
        child = node.children.get(key[at])
        if child is None:
            child = node.children[key[at]] = _Branch(key[at + 1 :])
            child.add(value, priority)
            return
        node = child
        at += 1


def _write(node: _Branch, data: bytearray) -> int:
    # Append the node below its children; return the reference to it.
    table: list[int] = []
    if node.children:
        first, last = ord(min(node.children)), ord(max(node.children))
        table = [0] * (last - first + 1)
        for char in sorted(node.children):
            table[ord(char) - first] = _write(node.children[char], data)
    reference = len(data)
    if node.prefix:
        data += node.prefix.encode("ascii") + b"\0"
        reference |= PREFIX
    if node.children:
        data += struct.pack(f">BB{len(table)}I", first, last, *table)
        reference |= CHILDREN
    if node.values:
        data += struct.pack(">I", len(node.values))
        for priority, value in node.values:
            data += struct.pack(">I", priority) + value.encode("ascii") + b"\0"
        reference |= VALUES
    return reference
