"""Errors of a failed change, and the state it leaves. Only reads."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from resolver.changes.plan import Step
from resolver.device import Binding, Device
from resolver.errors import BlockedError, FailedError, ResolverError
from resolver.inspect.devices import LIST_DEVICES, bound_driver, place_of
from resolver.linux import Host

__all__ = [
    "about_blocked",
    "add_state",
    "differences",
    "error_of",
    "reason_of",
    "write_failure",
]


def error_of(problem: OSError) -> str:
    """Return the error of a system call: ``EBUSY (Device or resource busy)``."""
    number = problem.errno or 0
    return f"{errno.errorcode.get(number, number)} ({problem.strerror})"


def write_failure(host: Host, step: Step, problem: OSError) -> FailedError:
    """Return the error for a write that the kernel refused."""
    driver = step.path.split("/")[-2]
    reason = error_of(problem)
    hint = ""
    if step.action == "bind":
        message = f"driver {driver} failed to probe the device: {reason}"
        hint = "run `dmesg | tail` to read the kernel log"
    elif step.action == "unbind":
        message = f"driver {driver} failed to release the device: {reason}"
    else:
        path = f"{host.sys}/{step.path}"
        message = f"cannot write {step.text.strip()!r} to {path}: {reason}"
    if problem.errno in (errno.EACCES, errno.EPERM):
        hint = "run as root"
    return FailedError(message, hint=hint, errno=problem.errno or 0)


def reason_of(
    host: Host, device: Device, failure: BaseException
) -> ResolverError | None:
    """Return the error to report for a failure; ``None``: it is an interruption."""
    if not host.is_there(place_of(host, device)):
        return FailedError(
            "device was removed during the change",
            hint=LIST_DEVICES,
        )
    if isinstance(failure, ResolverError):
        return failure
    if isinstance(failure, OSError):
        return FailedError(error_of(failure), errno=failure.errno or 0)
    return None


def add_state(
    host: Host, device: Device, before: Binding, error: ResolverError
) -> None:
    """Add to an error that the device is rolled back."""
    if host.is_there(place_of(host, device)):
        state = f"bound to {before.driver}" if before.driver else "without a driver"
        error.message += f"; the device is {state} as before"


def about_blocked(
    host: Host, device: Device, before: Binding, blocked: BlockedError
) -> BlockedError:
    """Add to an error how the device is while a write waits in the kernel."""
    now = Binding(bound_driver(host, device), before.override)
    blocked.problems = (
        "the write may still take effect",
        *differences(before, now),
    )
    blocked.hint = (
        f"wait for process {blocked.pid} to end (it cannot be killed), then run "
        f"`resolver restore {device.name}`"
    )
    return blocked


def differences(before: Binding, now: Binding) -> Iterator[str]:
    """Yield how a binding differs from the one before, one line each."""
    if now.driver != before.driver:
        yield f"the driver was {before.driver or 'none'} and is {now.driver or 'none'}"
    if now.override != before.override:
        was, is_now = before.override or "unset", now.override or "unset"
        yield f"driver_override was {was} and is {is_now}"
