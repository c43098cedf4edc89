"""Queries of a simulated host, and changes to it from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from simkernel.errors import UsageError
from simkernel.testing import Sim
from tests.unit.simkernel.testing.taking import VF, take

DEVICE = f"/sys/bus/pci/devices/{VF}"
LATE = """
description: A driver that registers a while after its module is loaded.
---
kernel: {release: 6.12.0}
modules:
  - name: late
    path: kernel/late.ko
    late_ms: 100
    drivers: [{name: late}]
"""


def test_names_without_domain_are_understood(nic: Sim) -> None:
    """Driver, group and text of a file."""
    assert nic.driver_of("3b:00.2") == "mlx5_core"
    assert nic.group_of("3b:00.2") == 2
    assert nic.read(f"{DEVICE}/vendor") == "0x15b3\n"
    assert nic.kernel.modules == ["mlx5_core"]


def test_unknown_device_is_named_with_those_that_are_there(nic: Sim) -> None:
    """The error suggests an existing device."""
    with pytest.raises(
        UsageError, match=r"no device '3b:00.9'.*did you mean 0000:3b:00.[23]"
    ):
        nic.driver_of("3b:00.9")


def test_injected_failure_meets_the_next_write_only(nic: Sim) -> None:
    """The second attempt succeeds."""
    nic.kernel.inject("EIO")

    assert take(nic).stderr == "Input/output error\n"
    assert take(nic).returncode == 0
    assert nic.kernel.writes == 2


def test_failure_can_be_injected_later_and_again(nic: Sim) -> None:
    """Writes count from the call."""
    assert take(nic).returncode == 0
    nic.kernel.inject("EBUSY", at_write=2)

    assert take(nic, "0000:3b:00.3").returncode == 0
    nic.kernel.write("/sys/bus/pci/drivers_probe", VF)
    assert take(nic).stderr == "Device or resource busy\n"


def test_device_can_vanish_at_a_write(nic: Sim) -> None:
    """The driver's file refuses the missing device."""
    nic.kernel.inject(remove=VF)

    assert take(nic).returncode == 3
    assert VF not in nic.kernel.devices


def test_another_process_can_write_first(nic: Sim) -> None:
    """It unbinds the device before the program does."""
    nic.kernel.inject(path="/sys/bus/pci/drivers/mlx5_core/unbind", data=VF)

    assert take(nic).stderr == "No such device\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "pass errno, remove or path"),
        ({"errno": "EFOO"}, "unknown errno EFOO"),
        ({"errno": "EIO", "at_write": 0}, "at_write=0: must be 1 or more"),
        ({"path": "/tmp/x"}, "must be a file below /sys"),
        ({"remove": "nosuch"}, "no device 'nosuch'"),
    ],
)
def test_injection_that_makes_no_sense_is_refused(
    nic: Sim, arguments: dict[str, object], reason: str
) -> None:
    """The call fails, not a later write."""
    with pytest.raises(UsageError, match=reason):
        nic.kernel.inject(**arguments)  # type: ignore[arg-type]  # wrong on purpose


def test_function_is_unplugged_and_comes_back(nic: Sim) -> None:
    """It gets its driver back, and uevents report both."""
    pf = "0000:3b:00.0"
    nic.kernel.unplug("3b:00.0")
    gone = nic.kernel.wait_for_event("remove", pf)
    assert pf not in nic.kernel.devices

    nic.kernel.hotplug("3b:00.0")

    assert nic.driver_of(pf) == "mlx5_core"
    bound = nic.kernel.wait_for_event("bind", f"/devices/*/{pf}", after=gone)
    assert ("DRIVER", "mlx5_core") in bound.variables


def test_new_function_is_plugged_in(nic: Sim) -> None:
    """The keys are those of a scenario."""
    nic.kernel.hotplug(
        "0000:3b:01.0",
        id="15b3:101d",
        class_="020000",
        iommu_group=77,
        sriov={"total_vfs": 2, "vf_device": "101e"},
    )

    assert nic.driver_of("3b:01.0") == "mlx5_core"
    assert nic.group_of("3b:01.0") == 77


@pytest.mark.parametrize(
    ("address", "device", "reason"),
    [
        ("3b:00.2", {"id": "15b3:101e"}, "function exists"),
        ("77:00.0", {"id": "15b3:101e"}, "no bus 0000:77"),
        ("3b:01.0", {}, "id: missing key"),
        ("3b:01.0", {"id": "x"}, "id: 'x' must be"),
        ("3b:01.0", {"id": "15b3:101e", "colour": "red"}, "colour: unknown key"),
    ],
)
def test_function_that_cannot_be_is_refused(
    nic: Sim, address: str, device: dict[str, str], reason: str
) -> None:
    """The error is that of the scenario's schema."""
    with pytest.raises(UsageError, match=reason):
        nic.kernel.hotplug(address, **device)


def test_waiting_in_vain_says_what_came(nic: Sim) -> None:
    """The error lists the events so far."""
    take(nic)

    with pytest.raises(AssertionError, match=r"within 0.02 s(.|\n)*unbind@/devices"):
        nic.kernel.wait_for_event("add", "nosuch", timeout=0.02)


def test_driver_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    """Simulated time passes while the test waits."""
    (tmp_path / "late.yaml.j2").write_text(LATE)
    with Sim(tmp_path / "late.yaml.j2", via="fakefs") as host:
        host.run(["modprobe", "late"], check=True)
        assert "/sys/bus/pci/drivers/late/" not in host.tree()

        assert host.kernel.wait_for_event("add", "*/drivers/late")
        assert "/sys/bus/pci/drivers/late/" in host.tree()


def test_refused_write_of_another_process_raises(nic: Sim) -> None:
    """The error has the kernel's errno."""
    with pytest.raises(OSError, match="No such device"):
        nic.kernel.write("/sys/bus/pci/drivers_probe", "0000:99:00.0")
