"""Pieces by which functions come and go."""

from __future__ import annotations

from hypothesis import strategies as st

from simkernel.conformance.operations import Plug, Unplug, Write
from simkernel.conformance.random.piece import (
    Pieces,
    chosen,
    of_device,
    write,
)
from simkernel.conformance.texts import NUMBERS, TRUTHS
from simkernel.conformance.vocabulary import PCI, Vocabulary, device_file

__all__ = ["presence", "repairs", "rescans", "sriov"]


def presence(words: Vocabulary) -> Pieces:
    """A function is removed, pulled out, or plugged in."""
    removals = write(
        of_device(words, ("remove",)),
        st.sampled_from((b"1", b"1", b"1\n", b"0", b"x", b"")),
    )
    address = st.sampled_from(words.physical)
    unplugs = address.map(lambda name: (Unplug(name),))
    pulled = address.map(
        lambda name: (Unplug(name), Write(device_file(name, "remove"), b"1"))
    )
    plugs = address.map(lambda name: (Plug(name),))
    return chosen([removals, removals, unplugs, pulled, plugs])


def repairs(words: Vocabulary) -> Pieces:
    """What brings functions back that are gone."""
    rescan = st.just((Write(f"{PCI}/rescan", b"1"),))
    plug = st.sampled_from(words.physical).map(lambda name: (Plug(name),))
    if not words.sriov:
        return chosen([rescan, rescan, plug])
    enable = st.builds(
        lambda name, text: (Write(device_file(name, "sriov_numvfs"), text),),
        st.sampled_from(words.sriov),
        st.sampled_from((b"1", b"2", b"3")),
    )
    return chosen([rescan, rescan, plug, enable, enable])


def rescans(words: Vocabulary) -> Pieces:
    """Functions are looked for, or no longer probed by themselves."""
    paths = st.one_of(
        st.just(f"{PCI}/rescan"),
        of_device(words, ("rescan",)),
        st.just(f"{PCI}/drivers_autoprobe"),
    )
    return write(paths, st.sampled_from((b"1", b"1", b"1", b"0", *NUMBERS)))


def sriov(words: Vocabulary) -> Pieces:
    """Virtual functions are enabled and disabled."""
    address = st.sampled_from((*words.sriov, *words.sriov, words.endpoints[0]))
    counts = st.sampled_from((b"1", b"2", b"3", *NUMBERS))
    numbers = st.builds(
        lambda name, text: (Write(device_file(name, "sriov_numvfs"), text),),
        address,
        counts,
    )
    anew = st.builds(
        lambda name, count: (
            Write(device_file(name, "sriov_numvfs"), b"0"),
            Write(device_file(name, "sriov_numvfs"), b"%d" % count),
        ),
        address,
        st.integers(1, 3),
    )
    autoprobe = st.builds(
        lambda name, text: (Write(device_file(name, "sriov_drivers_autoprobe"), text),),
        address,
        st.sampled_from(TRUTHS),
    )
    return chosen([numbers, anew, anew, autoprobe])
