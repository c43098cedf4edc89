"""A transaction ends in one of its states, and writes that do not return block it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from contextlib import nullcontext
from typing import Any

import pytest

from resolver.changes import checks, journal
from resolver.changes.plan import plan_bind
from resolver.changes.transaction import State, Transaction
from resolver.cli import run
from resolver.device import Binding, Device
from resolver.errors import BlockedError, FailedError
from resolver.inspect.devices import read_device
from resolver.linux import Host
from resolver.options import Options
from simkernel.scenario.render import load
from simkernel.scenario.schema import FaultEntry, Scenario
from tests.simulated import session

VF = "0000:3b:00.2"
TARGET = Binding("mlx5_vfio_pci", "mlx5_vfio_pci")
KEEP_THE_RECORD = {State.DONE, State.BLOCKED}


def stubborn(driver: str, **habits: int) -> Scenario:
    """Return a host with a driver that takes its time."""
    scenario = load("mlx5_vfio_pci")
    modules = tuple(
        dataclasses.replace(
            module,
            drivers=tuple(dataclasses.replace(one, **habits) for one in module.drivers),
        )
        if module.name == driver
        else module
        for module in scenario.modules
    )
    return dataclasses.replace(scenario, modules=modules)


@pytest.mark.parametrize(
    ("scenario", "write"),
    [
        (stubborn("mlx5_core", remove_ms=-1), "drivers/mlx5_core/unbind"),
        (stubborn("mlx5_vfio_pci", probe_ms=-1), "drivers_probe"),
    ],
)
def test_driver_that_never_answers_is_told(scenario: Scenario, write: str) -> None:
    """Exit code 5, who waits, what may still happen; the record is kept."""
    with session(scenario) as host:
        done = host.run("resolver", "bind", "--json", "--timeout", "0.2", VF)
        (known,) = json.loads(host.run("resolver", "status", "--json").stdout)[
            "devices"
        ]
    (device,) = json.loads(done.stdout)["devices"]
    assert (done.exit_code, device["undone"]) == (5, False)
    assert (
        f"the write to /sys/bus/pci/{write} has not returned for 0.2 s"
        in device["error"]
    )
    assert device["blocked"]["pid"] > 0
    assert device["problems"][0] == "the write may still take effect"
    assert f"resolver restore {VF}" in device["hint"]
    assert (known["device"], known["previous_driver"]) == (VF, "mlx5_core")


def test_driver_that_takes_its_time_is_waited_for() -> None:
    """As long as it is within the time."""
    scenario = stubborn("mlx5_core", remove_ms=150)
    with session(scenario) as host:
        done = host.run("resolver", "bind", "--timeout", "20", VF)
        driver = host.driver(VF)
    assert (done.exit_code, driver) == (0, "mlx5_vfio_pci")


@pytest.mark.parametrize("timeout", ["0", "-1", "soon"])
def test_time_that_is_none_is_a_usage_error(
    timeout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is looked at."""
    assert run(["bind", "--timeout", timeout, VF]) == 2
    assert "--timeout" in capsys.readouterr().err


def failing(write: int) -> Scenario:
    """Return a host on which one write to sysfs is refused."""
    faults = (FaultEntry(at_write=write, errno="EIO"),)
    return dataclasses.replace(load("mlx5_vfio_pci"), faults=faults)


def transaction() -> Transaction:
    """Return a bind of the VF to its variant driver, with the module loaded."""
    subprocess.run(["modprobe", "mlx5_vfio_pci"], check=True)
    host = Host()
    device = read_device(host, "pci", VF)
    record = journal.record_of(host, device, device.binding, wanted=TARGET.driver)
    options = Options(timeout_s=0.2)
    return Transaction(host, device, device.binding, TARGET, options, record=record)


@pytest.mark.parametrize(
    ("scenario", "state", "error"),
    [
        (load("mlx5_vfio_pci"), State.DONE, None),
        (failing(1), State.ROLLED_BACK, FailedError),
        (failing(2), State.ROLLED_BACK, FailedError),
        (failing(3), State.ROLLED_BACK, FailedError),
        (stubborn("mlx5_core", remove_ms=-1), State.BLOCKED, BlockedError),
    ],
)
def test_transaction_ends_in_a_state(
    scenario: Scenario, state: State, error: type[Exception] | None
) -> None:
    """Done and blocked keep the record; a roll-back removes the new one."""
    with session(scenario) as simulated:
        change = transaction()
        assert change.state is State.LOCKED
        steps = plan_bind("pci", VF, change.before, "mlx5_vfio_pci").steps
        with nullcontext() if error is None else pytest.raises(error):
            change.run(steps)
        assert change.state is state
        assert bool(simulated.names("/run/resolver")) == (state in KEEP_THE_RECORD)
        if state is State.ROLLED_BACK:
            assert simulated.driver(VF) == "mlx5_core"


def test_record_that_cannot_be_written_changes_nothing() -> None:
    """The transaction ends before the first write to sysfs."""
    with session(load("mlx5_vfio_pci")) as simulated:
        change = transaction()
        change.host.journal = "/proc/nosuch"
        steps = plan_bind("pci", VF, change.before, "mlx5_vfio_pci").steps
        with pytest.raises(FailedError, match="cannot write /proc/nosuch/"):
            change.run(steps)
        assert change.state is State.ROLLED_BACK
        assert simulated.driver(VF) == "mlx5_core"


def test_read_only_sysfs_has_a_hint_for_root(captured: Any) -> None:
    """Root does not read that it must be root."""
    (captured.device("0000:3b:00.7") / "driver_override").unlink()
    path = captured.root / "sys/devices/pci0000:00/0000:3b:00.7/driver_override"
    path.mkdir()  # opening it for writing fails, for root too
    host = captured.live_host
    device = Device(
        bus="pci", name="0000:3b:00.7", modalias=None, binding=Binding(None, None)
    )
    with pytest.raises(FailedError) as caught:
        checks.require_writable(host, device)
    remount = f"run `mount -o remount,rw {host.sys}`"
    assert caught.value.hint == (remount if host.is_root() else "run as root")
