"""All kinds of pieces: the small things that somebody might do to a kernel."""

from __future__ import annotations

from simkernel.conformance.random.devices import (
    bindings,
    ids,
    moves,
    overrides,
    settings,
)
from simkernel.conformance.random.modules import modules, parameters
from simkernel.conformance.random.others import other_buses, reads, strange_writes
from simkernel.conformance.random.piece import Pieces, chosen
from simkernel.conformance.random.presence import presence, rescans, sriov
from simkernel.conformance.vocabulary import Vocabulary

__all__ = ["pieces"]


def pieces(words: Vocabulary) -> Pieces:
    """Return all kinds of pieces; those listed twice are drawn twice as often."""
    kinds: list[Pieces] = []
    if words.endpoints and words.drivers:
        kinds += [moves(words)] * 4 + [bindings(words)] * 4
        kinds += [overrides(words)] * 2 + [ids(words)] * 2
    if words.sriov:
        kinds += [sriov(words)] * 3
    if words.modules:
        kinds += [modules(words)] * 2 + [parameters(words)]
    if words.others:
        kinds += [other_buses(words)] * 3
    if words.endpoints:
        kinds += [presence(words), settings(words), rescans(words)]
    kinds += [reads(words), strange_writes(words)]
    return chosen(kinds)
