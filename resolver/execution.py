"""Carry out the writes of a plan; if one fails, put everything back.

Whatever interrupts them, Ctrl-C too, the device is brought back to where it was,
and reading verifies that it is. Nothing is decided here.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable

from resolver.device import Binding, Device
from resolver.errors import FailedError, NotFoundError, NotUndoneError, ResolverError
from resolver.inventory import (
    device_directory,
    driver_directory,
    has_vfio_device,
    read_binding,
)
from resolver.linux import Host
from resolver.plan import Step, plan_move

__all__ = ["WAIT_S", "carry_out", "error_of"]

WAIT_S = 2.0
"""How long a driver may take to show up after the write that binds it."""


def carry_out(
    host: Host,
    device: Device,
    steps: Iterable[Step],
    *,
    before: Binding,
    target: Binding,
    needs_vfio: bool = False,
) -> None:
    """Do every step, then verify that the device is where it shall be.

    :param before: driver and override to put back if a step fails.
    :param target: driver and override after the last step.
    :param needs_vfio: the driver must have registered a VFIO device.
    :raises FailedError: a step failed; the device is back where it was.
    :raises NotUndoneError: a step failed, and the device is not back.
    """
    try:
        for step in steps:
            _perform(host, device, step, target)
        _verify(host, device, target, needs_vfio=needs_vfio)
    except BaseException as failure:
        with host.uninterrupted():
            problems = _put_back(host, device, before)
        error = _reported(host, device, failure)
        if problems:
            raise NotUndoneError(
                error.message if error else "interrupted",
                problems=problems,
                hint=f"resolver restore {device.name} tries again",
            ) from failure
        if error is None:
            raise
        if _is_there(host, device):
            state = f"bound to {before.driver}" if before.driver else "without a driver"
            error.message += f"; the device is {state} as before"
        raise error from failure


def error_of(problem: OSError) -> str:
    """Return what a system call said: ``EBUSY (Device or resource busy)``."""
    number = problem.errno or 0
    return f"{errno.errorcode.get(number, number)} ({problem.strerror})"


def _perform(host: Host, device: Device, step: Step, target: Binding) -> None:
    try:
        host.write(f"{host.sys}/{step.path}", step.text)
    except OSError as problem:
        raise _failure(host, step, problem) from problem
    if step.action == "probe" and target.driver is not None:
        _require_bound(host, device, target.driver)


# A probe is reported as done even when no driver took the device. The driver's
# own "bind" says what was wrong. Source: Linux, drivers/base/bus.c,
# drivers_probe_store().
def _require_bound(host: Host, device: Device, driver: str) -> None:
    if read_binding(host, device.bus, device.name).driver is not None:
        return
    path = f"{driver_directory(device.bus, driver)}/bind"
    step = Step(action="bind", path=path, text=device.name)
    try:
        host.write(f"{host.sys}/{path}", step.text)
    except OSError as problem:
        bound = read_binding(host, device.bus, device.name).driver
        # Bound in the meantime, by a probe that the kernel ran on its own.
        if problem.errno == errno.EBUSY and bound is not None:
            return
        raise _failure(host, step, problem) from problem


def _verify(host: Host, device: Device, target: Binding, *, needs_vfio: bool) -> None:
    def now() -> Binding:
        return read_binding(host, device.bus, device.name)

    if not host.wait(lambda: now().driver == target.driver, WAIT_S):
        raise FailedError(
            "every write succeeded, but the driver is "
            f"{now().driver or 'none'}, not {target.driver or 'none'}"
        )
    if now().override != target.override:
        raise FailedError(
            "every write succeeded, but driver_override is "
            f"{now().override!r}, not {target.override!r}"
        )
    if needs_vfio and not host.wait(lambda: has_vfio_device(host, device), WAIT_S):
        raise FailedError(
            f"{target.driver} took the device, but registered no VFIO device",
            hint="the kernel log has the reason: dmesg | tail",
        )


# What could not be put back, one line each; it goes on after each of them.
def _put_back(host: Host, device: Device, before: Binding) -> tuple[str, ...]:
    problems = []
    try:
        now = read_binding(host, device.bus, device.name)
        for step in plan_move(device.bus, device.name, now, before):
            try:
                host.write(f"{host.sys}/{step.path}", step.text)
            except OSError as problem:
                problems.append(_failure(host, step, problem).message)
        now = read_binding(host, device.bus, device.name)
    except NotFoundError:
        return ()  # The device went away, and its override with it.
    except OSError as problem:
        return (*problems, f"the device cannot be read: {error_of(problem)}")
    return (*problems, *_differences(before, now)) if now != before else ()


def _differences(before: Binding, now: Binding) -> list[str]:
    found = []
    if now.driver != before.driver:
        found.append(
            f"the driver was {before.driver or 'none'} and is {now.driver or 'none'}"
        )
    if now.override != before.override:
        was, is_now = before.override or "unset", now.override or "unset"
        found.append(f"driver_override was {was} and is {is_now}")
    return found


def _failure(host: Host, step: Step, problem: OSError) -> FailedError:
    directory = step.path.rpartition("/")[0]
    driver = directory.rpartition("/")[2]
    said = error_of(problem)
    if step.action == "bind":
        message = f"driver {driver} does not take the device: {said}"
        hint = "the kernel log has the reason: dmesg | tail"
    elif step.action == "unbind":
        message = f"driver {driver} does not release the device: {said}"
        hint = ""
    else:
        path = f"{host.sys}/{step.path}"
        message = f"cannot write {step.text.strip()!r} to {path}: {said}"
        hint = ""
    if problem.errno in (errno.EACCES, errno.EPERM):
        hint = "run as root"
    return FailedError(message, hint=hint, errno=problem.errno or 0)


def _is_there(host: Host, device: Device) -> bool:
    return host.is_there(f"{host.sys}/{device_directory(device.bus, device.name)}")


# The error to report; None for an interruption, which is no error of the host.
def _reported(
    host: Host, device: Device, failure: BaseException
) -> ResolverError | None:
    if not _is_there(host, device):
        return FailedError(
            "the device went away meanwhile",
            hint="resolver devices shows those there are",
        )
    if isinstance(failure, ResolverError):
        return failure
    if isinstance(failure, OSError):
        return FailedError(error_of(failure), errno=failure.errno or 0)
    return None
