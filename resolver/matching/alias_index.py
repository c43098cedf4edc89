"""An index to find the aliases that match a modalias. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from resolver.matching.alias_files import AliasEntry, FileWarning
from resolver.matching.generic import (
    GENERIC_MODULES,
    GENERIC_PATTERN,
    describes_all,
)
from resolver.matching.glob import Glob, compile_pattern

__all__ = ["AliasLookup", "Aliases"]


_GENERIC = AliasEntry(GENERIC_PATTERN, "vfio_pci", "generic", 0)


class AliasLookup:
    """An index of alias patterns by their literal prefixes.

    Each length of prefixes has a dictionary. A look-up costs one slice and one access
    for each length, and matches only patterns whose whole prefix is equal.

    A pattern that matches every device ranks last. Of these, the generic driver of the
    bus comes first, even if it is built in and no file lists its alias.

    :param entries: entries in their order of preference: ``modules.alias`` first.
    """

    def __init__(self, entries: Iterable[AliasEntry]) -> None:
        self.entries = tuple(entries)
        self._tails: dict[str, re.Pattern[str]] = {}
        slots = [_Slot(number, entry) for number, entry in enumerate(self.entries)]
        foreign = any(slot.rank[1] for slot in slots)
        if foreign and not any(slot.entry.module == "vfio_pci" for slot in slots):
            slots.append(_Slot(len(slots), _GENERIC))
        self._buses = self._index(slots)

    def best(self, text: str) -> AliasEntry | None:
        """Return the closest matching entry, the first of equals.

        :param text: modalias with the prefix of the patterns: ``vfio_pci:v...``.
        """
        found: _Slot | None = None
        for length, slots in self._tables(text):
            for slot in slots.get(text[:length], ()):
                if found is not None and found.rank < slot.rank:
                    break
                if self._matches(slot, text, length):
                    found = slot
                    break
        return found.entry if found is not None else None

    def matching(self, text: str) -> tuple[tuple[int, AliasEntry], ...]:
        """Return number of ``*`` and entry of every match, best first."""
        found = [
            slot
            for length, slots in self._tables(text)
            for slot in slots.get(text[:length], ())
            if self._matches(slot, text, length)
        ]
        return tuple(
            (s.wildcards, s.entry) for s in sorted(found, key=lambda s: s.rank)
        )

    def _tables(self, text: str) -> _Tables:
        return self._buses.get(text[: text.find(":") + 1], self._buses[""])

    def _matches(self, slot: _Slot, text: str, length: int) -> bool:
        tail = self._tails.get(slot.tail)
        if tail is None:
            tail = self._tails[slot.tail] = compile_pattern(slot.tail)
        return tail.fullmatch(text, length) is not None

    # Tables by bus ("vfio_pci:"). A pattern with a wildcard before its colon may match
    # any bus, so the tables of each bus have it. The tables of "" have no other.
    @staticmethod
    def _index(slots: list[_Slot]) -> dict[str, _Tables]:
        indexes: dict[str, dict[int, dict[str, list[_Slot]]]] = {"": {}}
        for slot in slots:
            indexes.setdefault(slot.bus, {})
        for slot in sorted(slots, key=lambda slot: slot.rank):
            for bus in [slot.bus] if slot.bus else indexes:
                lengths = indexes[bus].setdefault(len(slot.prefix), {})
                lengths.setdefault(slot.prefix, []).append(slot)
        return {bus: tuple(lengths.items()) for bus, lengths in indexes.items()}


class Aliases(NamedTuple):
    """All VFIO aliases of a kernel."""

    lookup: AliasLookup
    """Index of the entries."""
    warnings: tuple[FileWarning, ...] = ()
    """Lines that differ from what depmod writes."""
    notes: tuple[str, ...] = ()
    """Missing files."""
    is_complete: bool = True
    """False if variant drivers may exist that are not among the entries."""


class _Slot:
    # An entry with the parts of its pattern that the index needs.

    __slots__ = ("bus", "entry", "prefix", "rank", "tail", "wildcards")

    def __init__(self, order: int, entry: AliasEntry) -> None:
        glob = Glob(entry.pattern)
        self.entry = entry
        self.prefix = glob.prefix
        self.bus = glob.prefix[: glob.prefix.find(":") + 1]
        self.tail = glob.tail
        self.wildcards = glob.wildcards
        is_last = describes_all(entry.pattern)
        is_foreign = is_last and entry.module not in GENERIC_MODULES
        self.rank = (is_last, is_foreign, glob.wildcards, order)


_Tables = tuple[tuple[int, dict[str, list[_Slot]]], ...]
