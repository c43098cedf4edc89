"""Drivers that do not let go: nobody waits for ever, and no more is said than is so."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from resolver.changes.nvidia import lock, release, with_lock
from resolver.changes.plan import Step, plan_bind
from resolver.cli import run
from resolver.device import Binding, Device
from resolver.errors import FailedError, RefusedError
from simkernel.scenario.render import load
from simkernel.scenario.schema import Scenario
from tests.simulated import Session, session

VF = "0000:3b:00.2"
GPU = "0000:05:00.0"


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


STATES: dict[str, Callable[[Session], object]] = {
    "as wanted": lambda host: None,
    "gone": lambda host: host.host.kernel.hot_unplug(VF),
    "in between": lambda host: host.run("python", "-c", UNBIND),
}
UNBIND = f"open('/sys/bus/pci/drivers/mlx5_vfio_pci/unbind', 'w').write('{VF}')"


@pytest.mark.parametrize("state", STATES)
def test_status_says_how_a_device_differs(state: str) -> None:
    """From what resolver left, and from what it found."""
    with session(load("mlx5_vfio_pci")) as host:
        host.run("resolver", "bind", VF)
        STATES[state](host)
        found = json.loads(host.run("resolver", "status", "--json").stdout)
        table = host.run("resolver", "status").stdout.splitlines()
    (device,) = found["devices"]
    assert device["state"] == state
    assert device["wanted_driver"] == "mlx5_vfio_pci"
    assert device["record"] == f"/run/resolver/{VF}.json"
    assert " ".join(table[0].split()) == "DEVICE ID PREVIOUS WANTED CURRENT STATE"
    assert table[1].startswith(f"{VF}  15b3:101e  mlx5_core  mlx5_vfio_pci")
    assert table[1].endswith(state)


def test_status_without_records_says_so() -> None:
    """Data is none, talk is some."""
    with session(load("mlx5_vfio_pci")) as host:
        done = host.run("resolver", "status")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "no device is recorded\n"


def test_status_of_a_damaged_record_is_a_row(
    captured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what is wrong with it; a captured host can be asked, too."""
    captured.write(f"run/resolver/{VF}.json", b"{")
    assert run(["--root", str(captured.root), "status"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].endswith("damaged")
    assert "it is not JSON" in err


def gpu(captured: Any) -> Device:
    """Return a GPU that NVIDIA's driver has."""
    captured.write(f"proc/driver/nvidia/gpus/{GPU}/unbindLock", "0\n")
    binding = Binding("nvidia", None)
    return Device(bus="pci", name=GPU, modalias=None, binding=binding)


@pytest.mark.real
def test_lock_of_nvidia_is_taken_before_the_unbind(captured: Any) -> None:
    """And given back where nothing came of it."""
    host, device = captured.live_host, gpu(captured)
    path = f"{host.proc}/driver/nvidia/gpus/{GPU}/unbindLock"
    plan = plan_bind("pci", GPU, device.binding, "vfio-pci")
    steps = with_lock(host, device, plan.steps)
    assert [s.action for s in steps] == ["override", "lock", "unbind", "probe"]
    assert steps[1] == Step(action="lock", path=path, text="1\n")
    lock(host, steps[1], 5, is_forced=False)
    assert host.attribute(path) == "1"
    release(host, steps, 5)
    assert host.attribute(path) == "0"


@pytest.mark.real
def test_lock_that_nvidia_does_not_give_refuses(captured: Any) -> None:
    """Somebody uses the GPU; force goes on all the same."""
    host, device = captured.hurried_host, gpu(captured)
    file = captured.root / f"proc/driver/nvidia/gpus/{GPU}/unbindLock"
    file.unlink()
    file.symlink_to("/dev/null")
    step = Step(action="lock", path=str(file), text="1\n")
    assert device.binding.driver == "nvidia"
    with pytest.raises(RefusedError, match="the GPU is in use") as caught:
        lock(host, step, 5, is_forced=False)
    assert caught.value.rule == "nvidia-in-use"
    assert host.waits_s == [0.1, 0.2, 0.4, 0.8, 1.6]
    lock(host, step, 5, is_forced=True)


@pytest.mark.real
def test_lock_that_cannot_be_asked_for_is_an_error(captured: Any) -> None:
    """As by somebody who is not root."""
    host = captured.live_host
    step = Step(action="lock", path=f"{host.proc}/nosuch", text="1\n")
    with pytest.raises(FailedError, match="cannot write"):
        lock(host, step, 5, is_forced=False)
