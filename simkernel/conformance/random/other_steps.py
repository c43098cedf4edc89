"""Other random steps: reads, misplaced writes, buses other than PCI."""

from __future__ import annotations

from hypothesis import strategies as st

from simkernel.conformance.operands import (
    PCI,
    Operands,
    device_file,
    driver_file,
)
from simkernel.conformance.operations import Read
from simkernel.conformance.random.steps import Steps, write
from simkernel.conformance.write_values import UEVENTS

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


def reads(operands: Operands) -> Steps:
    """Read a file, possibly a missing one."""
    paths = [
        f"{PCI}/rescan",
        f"{PCI}/drivers_autoprobe",
        f"{PCI}/drivers",
        "/sys/nothing",
    ]
    paths += [device_file(one, name) for one in operands.endpoints for name in _READ]
    paths += [driver_file(one, "bind") for one in operands.drivers]
    return st.builds(lambda path: (Read(path),), st.sampled_from(paths))


def strange_writes(operands: Operands) -> Steps:
    """Write to a file that is seldom written."""
    paths = [f"{PCI}/devices", f"{PCI}/nothing", f"{PCI}/uevent"]
    paths += [
        device_file(one, name) for one in operands.endpoints for name in _READ_ONLY
    ]
    paths += [device_file(one, "uevent") for one in operands.endpoints]
    paths += [driver_file(one, "uevent") for one in operands.drivers]
    return write(st.sampled_from(paths), st.sampled_from((*UEVENTS, b"1", b"x" * 5000)))


def other_buses(operands: Operands) -> Steps:
    """Bind or unbind a device of another bus, or set its override."""
    devices = [name for _, name in operands.others if not name.endswith(".auto")]
    names = st.sampled_from([one.encode() for one in devices] or [b"nothing"])
    files = [
        driver_file(driver, file, bus)
        for bus, driver in operands.other_drivers
        for file in ("bind", "unbind")
    ]
    files += [f"/sys/bus/{bus}/drivers_probe" for bus, _ in operands.others]
    overrides = [
        f"/sys/bus/{bus}/devices/{name}/driver_override"
        for bus, name in operands.others
    ]
    drivers = [name.encode() for _, name in operands.other_drivers]
    return st.one_of(
        write(st.sampled_from(files), names),
        write(
            st.sampled_from(overrides), st.sampled_from((*drivers, b"\n", b"nosuch"))
        ),
    )
