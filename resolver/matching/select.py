"""Choose the VFIO driver for a device, and say why.

Pure: what the host offers comes in as an ``Aliases`` value, the choice goes out
with its reasons.
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
    """An alias that describes the device, and what became of it."""

    entry: AliasEntry
    wildcards: int
    """How many ``*`` the pattern has; fewer is closer."""
    reason: str
    """Why it was chosen, or why not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The driver to bind a device to, and how it was found."""

    name: str
    """A module, where an alias led to it; a driver, where it is the bus's generic
    one; either, where the user named it."""
    source: Source
    alias: str | None = None
    """The pattern that led to it; ``None`` for ``user`` and ``generic``."""
    modalias: str | None = None
    """What the patterns were compared with, ``vfio_`` included."""
    candidates: tuple[Candidate, ...] = ()
    """Every alias that describes the device, best first."""
    is_ambiguous: bool = False
    """Another module has an alias that is just as close."""
    notes: tuple[str, ...] = ()
    """What else there is to know."""

    @property
    def sure_driver(self) -> str | None:
        """Name of the driver, where it is known whatever the host has loaded."""
        return self.name if self.source == "generic" else None

    @property
    def module(self) -> str:
        """Name that modprobe is to be asked for, with ``_`` only."""
        return self.name.replace("-", "_")


def choose(modalias: Modalias, aliases: Aliases) -> Choice:
    """Return the VFIO driver that describes a device most closely.

    The alias with the fewest ``*`` wins, the first of equals: ``modules.alias``
    goes before what the kernel says about built-in modules. An alias that describes
    every device ranks last, and there the bus's own generic driver goes first.
    Without any match it is that driver.

    :raises NotFoundError: nothing matches, and the bus has no generic driver.

    Source: libvirt commit 82e2fac29710 ("qemu: automatically bind to a vfio
    variant driver, if available"), which ranks so, but for the generic driver.
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
        notes += (f"ambiguous: {names} fits as closely as {best.module}, which wins",)
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
            reason = "as close as the chosen one, but after it"
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
            f"there is no VFIO driver for it: no alias describes {modalias.text}, and "
            f"bus {modalias.bus!r} has no generic driver",
            hint="name one with --driver NAME",
        )
    return Choice(
        name=driver,
        source="generic",
        modalias=modalias.vfio,
        notes=notes,
    )


# A variant in the kernel's own tree that serves the device, while this kernel
# has no alias of it: the module is not installed.
def _unavailable(
    modalias: Modalias, matching: tuple[tuple[int, AliasEntry], ...]
) -> tuple[str, ...]:
    variant = intree.lookup().best(modalias.vfio)
    if variant is None or any(e.module == variant.module for _, e in matching):
        return ()
    return (
        f"skipped {variant.module}: Linux has it for this device, but this host "
        "shows no alias of it, and it is not built in",
    )
