"""Carry out the writes of a plan; if one fails, put everything back.

Whatever interrupts them, Ctrl-C too, the device is brought back to where it was,
and reading verifies that it is. Nothing is decided here.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence

from resolver.changes import nvidia
from resolver.changes.plan import Step, plan_move
from resolver.device import Binding, Device
from resolver.errors import (
    BlockedError,
    FailedError,
    NotFoundError,
    NotUndoneError,
    ResolverError,
)
from resolver.inspect.devices import (
    bound_driver,
    driver_directory,
    has_vfio_device,
    place_of,
    read_binding,
)
from resolver.linux import Host
from resolver.options import Terms

__all__ = ["WAIT_S", "carry_out", "error_of"]

WAIT_S = 5.0
"""How long a driver may take to show up after the write that binds it has returned:
some probe on their own time, and VFIO lets go of a device some time after its user."""


def carry_out(
    host: Host,
    device: Device,
    steps: Sequence[Step],
    *,
    before: Binding,
    target: Binding,
    terms: Terms,
    needs_vfio: bool = False,
) -> None:
    """Do every step, then verify that the device is where it shall be.

    :param before: driver and override to put back if a step fails.
    :param target: driver and override after the last step.
    :param needs_vfio: the driver must have registered a VFIO device.
    :raises FailedError: a step failed; the device is back where it was.
    :raises NotUndoneError: a step failed, and the device is not back.
    :raises BlockedError: a step has not ended: nothing more can be done for now.
    """
    steps = nvidia.with_lock(host, device, steps)
    try:
        for step in steps:
            _perform(host, device, step, target, terms)
        _verify(host, device, target, needs_vfio=needs_vfio)
    except BlockedError as blocked:
        raise _told(host, device, before, blocked) from blocked
    except BaseException as failure:
        with host.uninterrupted():
            nvidia.give_back(host, steps, terms.timeout_s)
            problems = _put_back(host, device, before, terms)
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


def _perform(
    host: Host, device: Device, step: Step, target: Binding, terms: Terms
) -> None:
    if step.action == "lock":
        nvidia.lock(host, step, terms.timeout_s, is_forced=terms.is_forced)
        return
    _write(host, step, terms)
    if step.action == "probe" and target.driver is not None:
        _require_bound(host, device, target.driver, terms)


def _write(host: Host, step: Step, terms: Terms) -> None:
    try:
        host.write(f"{host.sys}/{step.path}", step.text, timeout_s=terms.timeout_s)
    except OSError as problem:
        raise _failure(host, step, problem) from problem


# A probe is reported as done even when no driver took the device. The driver's
# own "bind" says what was wrong. Source: Linux, drivers/base/bus.c,
# drivers_probe_store().
def _require_bound(host: Host, device: Device, driver: str, terms: Terms) -> None:
    if bound_driver(host, device) is not None:
        return
    path = f"{driver_directory(device.bus, driver)}/bind"
    step = Step(action="bind", path=path, text=device.name)
    try:
        _write(host, step, terms)
    except FailedError as problem:
        bound = bound_driver(host, device)
        # Bound in the meantime, by a probe that the kernel ran on its own.
        if problem.errno == errno.EBUSY and bound is not None:
            return
        raise


def _verify(host: Host, device: Device, target: Binding, *, needs_vfio: bool) -> None:
    def driver() -> str | None:
        return bound_driver(host, device)

    if not host.wait(lambda: driver() == target.driver, WAIT_S):
        raise FailedError(
            "every write succeeded, but the driver is "
            f"{driver() or 'none'}, not {target.driver or 'none'}"
        )
    now = read_binding(host, device)
    if now.override != target.override:
        raise FailedError(
            "every write succeeded, but driver_override is "
            f"{now.override!r}, not {target.override!r}"
        )
    if needs_vfio and not host.wait(lambda: has_vfio_device(host, device), WAIT_S):
        raise FailedError(
            f"{target.driver} took the device, but registered no VFIO device",
            hint="the kernel log has the reason: dmesg | tail",
        )


# A write that waits in the kernel has the device's lock: any other write, one that
# takes it back too, would wait as well.
def _told(
    host: Host, device: Device, before: Binding, blocked: BlockedError
) -> BlockedError:
    now = Binding(bound_driver(host, device), before.override)
    blocked.problems = (
        "what it was asked to do may still happen",
        *_differences(before, now),
    )
    blocked.hint = (
        f"process {blocked.pid} cannot be ended; when the driver has let go of the "
        f"device and it is gone, resolver restore {device.name} gives the device back"
    )
    return blocked


# What could not be put back, one line each; it goes on after each of them.
def _put_back(
    host: Host, device: Device, before: Binding, terms: Terms
) -> tuple[str, ...]:
    problems = []
    try:
        now = read_binding(host, device)
        for step in plan_move(device.bus, device.name, now, before):
            try:
                _write(host, step, terms)
            except FailedError as problem:
                problems.append(problem.message)
        now = read_binding(host, device)
    except NotFoundError:
        return ()  # The device went away, and its override with it.
    except (BlockedError, FailedError) as problem:
        return (*problems, problem.message)
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
    return host.is_there(place_of(host, device))


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
