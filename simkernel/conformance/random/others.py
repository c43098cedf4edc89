"""Pieces about the rest: reads, writes where none belong, buses beside PCI."""

from __future__ import annotations

from hypothesis import strategies as st

from simkernel.conformance.operations import Read
from simkernel.conformance.random.piece import Pieces, write
from simkernel.conformance.texts import UEVENTS
from simkernel.conformance.vocabulary import (
    PCI,
    Vocabulary,
    device_file,
    driver_file,
)

__all__ = ["other_buses", "reads", "strange_writes"]

_READ = (
    "driver_override",
    "uevent",
    "enable",
    "remove",
    "rescan",
    "modalias",
    "nothing",
)
_READ_ONLY = ("vendor", "modalias", "sriov_totalvfs", "nothing", "driver", "power")


def reads(words: Vocabulary) -> Pieces:
    """A file is read, also one that is not there."""
    paths = [
        f"{PCI}/rescan",
        f"{PCI}/drivers_autoprobe",
        f"{PCI}/drivers",
        "/sys/nothing",
    ]
    paths += [device_file(one, name) for one in words.endpoints for name in _READ]
    paths += [driver_file(one, "bind") for one in words.drivers]
    return st.builds(lambda path: (Read(path),), st.sampled_from(paths))


def strange_writes(words: Vocabulary) -> Pieces:
    """Something is written where hardly anybody writes."""
    paths = [f"{PCI}/devices", f"{PCI}/nothing", f"{PCI}/uevent"]
    paths += [device_file(one, name) for one in words.endpoints for name in _READ_ONLY]
    paths += [device_file(one, "uevent") for one in words.endpoints]
    paths += [driver_file(one, "uevent") for one in words.drivers]
    return write(st.sampled_from(paths), st.sampled_from((*UEVENTS, b"1", b"x" * 5000)))


def other_buses(words: Vocabulary) -> Pieces:
    """A device of another bus is bound, unbound or given an override."""
    devices = [name for _, name in words.others if not name.endswith(".auto")]
    names = st.sampled_from([one.encode() for one in devices] or [b"nothing"])
    files = [
        driver_file(driver, file, bus)
        for bus, driver in words.other_drivers
        for file in ("bind", "unbind")
    ]
    files += [f"/sys/bus/{bus}/drivers_probe" for bus, _ in words.others]
    overrides = [
        f"/sys/bus/{bus}/devices/{name}/driver_override" for bus, name in words.others
    ]
    drivers = [name.encode() for _, name in words.other_drivers]
    return st.one_of(
        write(st.sampled_from(files), names),
        write(
            st.sampled_from(overrides), st.sampled_from((*drivers, b"\n", b"nosuch"))
        ),
    )
