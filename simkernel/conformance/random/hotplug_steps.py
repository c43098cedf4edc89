"""Random steps that add and remove functions."""

from __future__ import annotations

from hypothesis import strategies as st

from simkernel.conformance.operands import PCI, Operands, device_file
from simkernel.conformance.operations import Plug, Unplug, Write
from simkernel.conformance.random.steps import (
    Steps,
    device_files,
    one_kind_of,
    write,
)
from simkernel.conformance.write_values import BOOLEANS, NUMBERS

__all__ = ["presence", "repairs", "rescans", "sriov"]


def presence(operands: Operands) -> Steps:
    """Remove, unplug or plug in a function."""
    removals = write(
        device_files(operands, ("remove",)),
        st.sampled_from((b"1", b"1", b"1\n", b"0", b"x", b"")),
    )
    address = st.sampled_from(operands.physical)
    unplugs = address.map(lambda name: (Unplug(name),))
    pulled = address.map(
        lambda name: (Unplug(name), Write(device_file(name, "remove"), b"1"))
    )
    plugs = address.map(lambda name: (Plug(name),))
    return one_kind_of([removals, removals, unplugs, pulled, plugs])


def repairs(operands: Operands) -> Steps:
    """Bring removed functions back."""
    rescan = st.just((Write(f"{PCI}/rescan", b"1"),))
    plug = st.sampled_from(operands.physical).map(lambda name: (Plug(name),))
    if not operands.sriov:
        return one_kind_of([rescan, rescan, plug])
    enable = st.builds(
        lambda name, text: (Write(device_file(name, "sriov_numvfs"), text),),
        st.sampled_from(operands.sriov),
        st.sampled_from((b"1", b"2", b"3")),
    )
    return one_kind_of([rescan, rescan, plug, enable, enable])


def rescans(operands: Operands) -> Steps:
    """Rescan a bus, or switch automatic probing."""
    paths = st.one_of(
        st.just(f"{PCI}/rescan"),
        device_files(operands, ("rescan",)),
        st.just(f"{PCI}/drivers_autoprobe"),
    )
    return write(paths, st.sampled_from((b"1", b"1", b"1", b"0", *NUMBERS)))


def sriov(operands: Operands) -> Steps:
    """Enable and disable virtual functions."""
    address = st.sampled_from((*operands.sriov, *operands.sriov, operands.endpoints[0]))
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
        st.sampled_from(BOOLEANS),
    )
    return one_kind_of([numbers, anew, anew, autoprobe])
