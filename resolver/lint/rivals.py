"""Which aliases of different modules a device can be described by.

Pure: built from aliases, asked with one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from resolver.lint.grammar import PciPattern, parse_pci
from resolver.pattern import wildcards

__all__ = ["Rival", "Rivals"]


class Rival(NamedTuple):
    """A ``vfio_pci:`` alias of some module."""

    rank: int
    """How many ``*`` it has; fewer is closer."""
    pattern: str
    module: str
    fields: PciPattern


class Rivals:
    """An index of ``vfio_pci:`` aliases by vendor and device.

    :param aliases: pattern and module of each; what modpost would not print, and what
        describes every device, is left out.
    """

    def __init__(self, aliases: Iterable[tuple[str, str]]) -> None:
        self._by_ids: dict[tuple[str, str], list[Rival]] = {}
        for pattern, module in sorted(set(aliases)):
            fields = parse_pci(pattern)
            if fields is None or fields.is_anything:
                continue
            one = Rival(wildcards(pattern), pattern, module, fields)
            self._by_ids.setdefault((fields.vendor, fields.device), []).append(one)
        for found in self._by_ids.values():
            found.sort()
        self._wide = [key for key in self._by_ids if "*" in key]

    def of(self, pattern: str, module: str) -> Rival | None:
        """Return the alias of another module by which a device is rather found.

        It is the one with the fewest ``*``, and has no more of them than the pattern.
        """
        fields = parse_pci(pattern)
        if fields is None or fields.is_anything:
            return None
        own = wildcards(pattern)
        best: Rival | None = None
        for key in self._keys(fields):
            for one in self._by_ids[key]:
                if one.rank > own or (best is not None and best.rank <= one.rank):
                    break
                if one.module != module and one.fields.overlaps(fields):
                    best = one
                    break
        return best

    def _keys(self, fields: PciPattern) -> Iterable[tuple[str, str]]:
        key = fields.vendor, fields.device
        if "*" in key:
            return self._by_ids
        exact = [key] if key in self._by_ids else []
        return [*exact, *self._wide]
