"""A piece of a random program: one or more operations that belong together."""

from __future__ import annotations

from hypothesis import strategies as st

from simkernel.conformance.operations import Operation, Write
from simkernel.conformance.texts import name_texts
from simkernel.conformance.vocabulary import Vocabulary, device_file

__all__ = ["Piece", "Pieces", "chosen", "device_names", "of_device", "write"]

Piece = tuple[Operation, ...]
Pieces = st.SearchStrategy[Piece]


def chosen(kinds: list[Pieces]) -> Pieces:
    """Return one of some strategies, each as often as it is listed.

    ``one_of`` would take the parts of each for themselves.
    """
    return st.integers(0, len(kinds) - 1).flatmap(kinds.__getitem__)


def write(paths: st.SearchStrategy[str], texts: st.SearchStrategy[bytes]) -> Pieces:
    """Return pieces of one write."""
    return st.builds(Write, paths, texts).map(lambda one: (one,))


def device_names(words: Vocabulary) -> st.SearchStrategy[bytes]:
    """Names of functions, most of them spelled right."""
    known = st.sampled_from((*words.endpoints, *words.bridges))
    right = known.map(str.encode)
    odd = known.flatmap(lambda name: st.sampled_from(name_texts(name)))
    return st.one_of(right, right, right, odd)


def of_device(words: Vocabulary, files: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Return paths of files of functions and bridges."""
    return st.builds(
        device_file,
        st.sampled_from((*words.endpoints, *words.bridges)),
        st.sampled_from(files),
    )
