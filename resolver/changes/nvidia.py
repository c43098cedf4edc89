"""The lock of NVIDIA's driver: with it, no client can open the device any more.

Without it, an unbind waits for as long as a client has the device open, and new ones
can come. The driver gives the lock only while nobody uses the device.

Source: the driver's /proc/driver/nvidia/gpus/<address>/unbindLock; NVIDIA's
dra-driver-nvidia-gpu, scripts/unbind_from_driver.sh, takes it so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from resolver.changes.plan import Step
from resolver.device import Device
from resolver.errors import FailedError, RefusedError
from resolver.linux import Host

__all__ = ["give_back", "lock", "with_lock"]

_TRIES_S = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds to wait for the driver's answer, one try after the other."""


def with_lock(host: Host, device: Device, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps with the one that takes the lock before the device is unbound.

    Where the driver has no such lock, they are as they were.
    """
    path = f"{host.proc}/driver/nvidia/gpus/{device.name}/unbindLock"
    if device.binding.driver != "nvidia" or not host.is_there(path):
        return tuple(steps)
    found: list[Step] = []
    for step in steps:
        if step.action == "unbind":
            found.append(Step(action="lock", path=path, text="1\n"))
        found.append(step)
    return tuple(found)


def lock(host: Host, step: Step, timeout_s: float, *, is_forced: bool) -> None:
    """Take the lock; a forced unbind goes on without it.

    :raises RefusedError: the driver does not give it: the device is in use.
    :raises FailedError: it cannot be asked for.
    """
    for pause_s in _TRIES_S:
        try:
            host.write(step.path, step.text, timeout_s=timeout_s)
        except OSError as problem:
            raise FailedError(
                f"cannot write {step.path}: {problem.strerror}",
                errno=problem.errno or 0,
            ) from problem
        if host.wait(lambda: host.attribute(step.path) == "1", pause_s):
            return
    if is_forced:
        return
    raise RefusedError(
        f"driver nvidia does not give {step.path}: the GPU is in use",
        rule="nvidia-in-use",
        hint="stop what uses it, such as nvidia-persistenced, or let it go with "
        "nvidia-smi -pm 0",
    )


def give_back(host: Host, steps: Sequence[Step], timeout_s: float) -> None:
    """Give the lock back, if the driver still has it."""
    for step in steps:
        if step.action == "lock":
            with contextlib.suppress(OSError):
                host.write(step.path, "0\n", timeout_s=timeout_s)
