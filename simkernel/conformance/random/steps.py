"""Strategies for steps: operations of a random program that belong together."""

from __future__ import annotations

from hypothesis import strategies as st

from simkernel.conformance.operands import Operands, device_file
from simkernel.conformance.operations import Operations, Write
from simkernel.conformance.write_values import name_values

__all__ = ["Steps", "device_files", "device_name_values", "one_kind_of", "write"]

Steps = st.SearchStrategy[Operations]


def one_kind_of(kinds: list[Steps]) -> Steps:
    """Return one of some strategies, as often as it is listed.

    ``one_of`` would flatten them, and weigh their parts instead.
    """
    return st.integers(0, len(kinds) - 1).flatmap(kinds.__getitem__)


def write(paths: st.SearchStrategy[str], texts: st.SearchStrategy[bytes]) -> Steps:
    """Return steps of one write."""
    return st.builds(Write, paths, texts).map(lambda one: (one,))


def device_name_values(operands: Operands) -> st.SearchStrategy[bytes]:
    """Names of functions, most of them spelled correctly."""
    known = st.sampled_from((*operands.endpoints, *operands.bridges))
    right = known.map(str.encode)
    odd = known.flatmap(lambda name: st.sampled_from(name_values(name)))
    return st.one_of(right, right, right, odd)


def device_files(operands: Operands, files: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Return paths of files of functions and bridges."""
    return st.builds(
        device_file,
        st.sampled_from((*operands.endpoints, *operands.bridges)),
        st.sampled_from(files),
    )
