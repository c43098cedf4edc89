"""The unbind lock of NVIDIA's driver: it stops clients from opening the device.

Without the lock, an unbind waits until every client has closed the device, and new
clients can open it. The driver grants the lock only to a device that is not in use.

Source: the driver's /proc/driver/nvidia/gpus/<address>/unbindLock; NVIDIA's
dra-driver-nvidia-gpu, scripts/unbind_from_driver.sh, takes it so.
"""

from __future__ import annotations

from collections.abc import Sequence

from resolver.changes.plan import Step
from resolver.device import Device
from resolver.errors import FailedError, RefusedError, ResolverError
from resolver.linux import Host

__all__ = ["lock", "release", "with_lock"]

_TRIES_S = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds to wait for the lock in each try."""


def with_lock(host: Host, device: Device, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps, with one before the unbind that takes the lock.

    They are unchanged if the driver has no lock.
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
    """Take the lock. With force, continue without it.

    :raises RefusedError: the driver does not grant it: the device is in use.
    :raises FailedError: the lock file cannot be written.
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
        f"cannot take {step.path}: the GPU is in use",
        rule="nvidia-in-use",
        hint="stop the users of the GPU, such as nvidia-persistenced, or run "
        "`nvidia-smi -pm 0`",
    )


def release(host: Host, steps: Sequence[Step], timeout_s: float) -> tuple[str, ...]:
    """Release the lock.

    :return: what could not be done, one line each. The lock ends with the driver's
        file, so a missing one is no problem.
    """
    problems = []
    for step in steps:
        if step.action == "lock":
            try:
                host.write(step.path, "0\n", timeout_s=timeout_s)
            except FileNotFoundError:
                continue
            except OSError as problem:
                problems.append(f"cannot write {step.path}: {problem.strerror}")
            except ResolverError as problem:
                problems.append(problem.message)
    return tuple(problems)
