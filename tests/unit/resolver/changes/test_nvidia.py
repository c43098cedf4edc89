"""The unbind lock of NVIDIA's driver."""

from __future__ import annotations

import os
from typing import Any

import pytest

from resolver.changes.nvidia import lock, release, with_lock
from resolver.changes.plan import Step, plan_bind
from resolver.device import Binding, Device
from resolver.errors import FailedError, RefusedError

GPU = "0000:05:00.0"


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


@pytest.mark.real
@pytest.mark.parametrize("name", ["directory", "fifo"])
def test_lock_that_cannot_be_released_is_a_line(captured: Any, name: str) -> None:
    """It stops no roll-back; a write that hangs does not either."""
    path = captured.root / name
    path.mkdir() if name == "directory" else os.mkfifo(path)
    step = Step(action="lock", path=str(path), text="1\n")
    (problem,) = release(captured.live_host, (step,), 0.2)
    assert str(path) in problem
    missing = Step(action="lock", path=str(path / "missing"), text="1\n")
    if name == "directory":
        assert release(captured.live_host, (missing,), 0.2) == ()
