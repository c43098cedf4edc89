"""An index to find overlapping aliases of modules. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from resolver.lint.grammar import PciPattern, parse_pci
from resolver.matching.glob import wildcards

__all__ = ["Rival", "Rivals"]


class Rival(NamedTuple):
    """A ``vfio_pci:`` alias of some module."""

    rank: int
    """Number of ``*``; fewer is a closer match."""
    pattern: str
    module: str
    fields: PciPattern


class Rivals:
    """An index of ``vfio_pci:`` aliases by vendor and device.

    :param aliases: pattern and module of each. Patterns that modpost would not print,
        or that match every device, are skipped.
    """

    def __init__(self, aliases: Iterable[tuple[str, str]]) -> None:
        self._by_ids: dict[tuple[str, str], dict[str, list[Rival]]] = {}
        for pattern, module in sorted(set(aliases)):
            fields = parse_pci(pattern)
            if fields is None or fields.is_anything:
                continue
            one = Rival(wildcards(pattern), pattern, module, fields)
            of_ids = self._by_ids.setdefault((fields.vendor, fields.device), {})
            of_ids.setdefault(module, []).append(one)
        self._wide = [key for key in self._by_ids if "*" in key]

    def of(self, pattern: str, module: str) -> Rival | None:
        """Return another module's alias that matches as closely or closer.

        Of several, the one with the fewest ``*``.
        """
        fields = parse_pci(pattern)
        if fields is None or fields.is_anything:
            return None
        own = wildcards(pattern)
        found = (
            one
            for key in self._keys(fields)
            for other, rivals in self._by_ids[key].items()
            if other != module
            for one in rivals
            if one.rank <= own and one.fields.overlaps(fields)
        )
        return min(found, default=None)

    def _keys(self, fields: PciPattern) -> Iterable[tuple[str, str]]:
        key = fields.vendor, fields.device
        if "*" in key:
            return self._by_ids
        exact = [key] if key in self._by_ids else []
        return [*exact, *self._wide]
