"""Choose the VFIO driver for a device, with reasons.

Pure: the aliases of a kernel in, the choice out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from resolver.errors import NotFoundError
from resolver.matching import intree
from resolver.matching.alias_files import AliasEntry, Source
from resolver.matching.alias_index import Aliases
from resolver.matching.generic import GENERIC_DRIVERS, describes_all
from resolver.matching.modalias import Modalias

__all__ = ["Candidate", "Choice", "choose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An alias that matches the device, and its rank."""

    entry: AliasEntry
    wildcards: int
    """Number of ``*`` in the pattern; fewer is a closer match."""
    reason: str
    """Why it was or was not chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The driver to bind a device to, and its origin."""

    name: str
    """A module from an alias; the generic driver of the bus; or a module or driver
    from the user."""
    source: Source
    alias: str | None = None
    """The pattern that matched; ``None`` for ``user`` and ``generic``."""
    modalias: str | None = None
    """The text that the patterns were compared with, with ``vfio_``."""
    candidates: tuple[Candidate, ...] = ()
    """Every alias that matches the device, the best first."""
    is_ambiguous: bool = False
    """Another module has an alias that matches as closely."""
    notes: tuple[str, ...] = ()
    """Notes for the user."""

    @property
    def sure_driver(self) -> str | None:
        """Name of the driver, if it does not depend on loaded modules."""
        return self.name if self.source == "generic" else None

    @property
    def module(self) -> str:
        """Module name to pass to modprobe, with ``_`` only."""
        return self.name.replace("-", "_")


def choose(modalias: Modalias, aliases: Aliases) -> Choice:
    """Return the VFIO driver that matches a device most closely.

    The alias with the fewest ``*`` wins; of equals, the first. ``modules.alias`` comes
    before the aliases of built-in modules. An alias that matches every device ranks
    last, after the generic driver of the bus. Without a match, that driver is chosen.

    :raises NotFoundError: nothing matches, and the bus has no generic driver.

    Source: libvirt commit 82e2fac29710 ("qemu: automatically bind to a vfio
    variant driver, if available"), which ranks likewise but for the generic driver.
    """
    matching = aliases.lookup.matching(modalias.vfio)
    notes = aliases.notes + _unavailable(modalias, matching)
    if not matching:
        return _generic(modalias, notes)
    best = matching[0][1]
    ties = [
        entry
        for stars, entry in matching
        if _closeness(stars, entry) == _closeness(*matching[0])
        and entry.module != best.module
    ]
    if ties:
        names = ", ".join(dict.fromkeys(entry.module for entry in ties))
        notes += (
            f"ambiguous: {names} matches as closely as {best.module}, which wins",
        )
    if best.source == "generic":
        chosen = _generic(modalias, notes)
        return replace(
            chosen, candidates=_candidates(matching), is_ambiguous=bool(ties)
        )
    return Choice(
        name=best.module,
        source=best.source,
        alias=best.pattern,
        modalias=modalias.vfio,
        candidates=_candidates(matching),
        is_ambiguous=bool(ties),
        notes=notes,
    )


# All patterns that describe every device are equal, however many stars they have.
def _closeness(stars: int, entry: AliasEntry) -> int:
    return -1 if describes_all(entry.pattern) else stars


def _candidates(
    matching: tuple[tuple[int, AliasEntry], ...],
) -> tuple[Candidate, ...]:
    first = matching[0]
    found = []
    for place, (stars, entry) in enumerate(matching):
        if place == 0:
            reason = "chosen: no other has fewer wildcards"
        elif _closeness(stars, entry) == _closeness(*first):
            reason = "as close as the chosen one, but later"
        elif stars <= first[0]:
            reason = "describes every device; the chosen one is closer"
        else:
            reason = f"{stars} wildcards; the chosen one has {first[0]}"
        found.append(Candidate(entry=entry, wildcards=stars, reason=reason))
    return tuple(found)


def _generic(modalias: Modalias, notes: tuple[str, ...]) -> Choice:
    driver = GENERIC_DRIVERS.get(modalias.bus)
    if driver is None:
        raise NotFoundError(
            f"no VFIO driver found: no alias matches {modalias.text}, and bus "
            f"{modalias.bus!r} has no generic driver",
            hint="name a driver with --driver NAME",
        )
    return Choice(
        name=driver,
        source="generic",
        modalias=modalias.vfio,
        notes=notes,
    )


# A variant driver in the kernel's tree that matches the device, but is not installed.
def _unavailable(
    modalias: Modalias, matching: tuple[tuple[int, AliasEntry], ...]
) -> tuple[str, ...]:
    variant = intree.lookup().best(modalias.vfio)
    if variant is None or any(e.module == variant.module for _, e in matching):
        return ()
    return (
        f"skipped {variant.module}: Linux has it for this device, but on this host it "
        "has no alias and is not built in",
    )
