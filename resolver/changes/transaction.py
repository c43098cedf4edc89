"""One change of one device: lock, record, write, verify, roll back, release.

A transaction is always in one of these states. Up to RECORDING the device is
untouched.

| state        | done in it                         | interrupted by    | then         |
|--------------|------------------------------------|-------------------|--------------|
| LOCKED       | hold the locks of group and device | error, signal     | release      |
| RECORDING    | write the record to /run/resolver  | error, signal     | ROLLING_BACK |
| WRITING      | write the steps to sysfs, in order | error, signal     | ROLLING_BACK |
|              |                                    | write that hangs  | BLOCKED      |
| VERIFYING    | read driver, override, VFIO device | mismatch, signal  | ROLLING_BACK |
| DONE         | keep or replace the record         | error             | release      |
| ROLLING_BACK | write the way back and verify it,  | refused write     | NOT_UNDONE   |
|              | then restore the record            | (signals wait)    |              |
| ROLLED_BACK  | raise the error                    |                   | release      |
| NOT_UNDONE   | keep the record, raise the error   |                   | release      |
| BLOCKED      | keep the record, raise the error   |                   | the helper   |
|              |                                    |                   | keeps locks  |

From DONE, BLOCKED and ROLLING_BACK on, signals wait until the result is reported. A
killed process loses its locks in every state. After RECORDING the record stays, and
``resolver restore`` reads it.
"""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import NoReturn

from resolver.changes import checks, failures, journal, nvidia
from resolver.changes.journal import Record
from resolver.changes.plan import Step, plan_move
from resolver.device import Binding, Device
from resolver.errors import BlockedError, FailedError, NotFoundError, NotUndoneError
from resolver.inspect.devices import (
    bound_driver,
    driver_directory,
    has_vfio_device,
    read_binding,
    read_device,
)
from resolver.linux import Host
from resolver.options import Options

__all__ = [
    "WAIT_S",
    "State",
    "Transaction",
    "change",
    "lock_names",
    "locked",
    "move_back",
]

WAIT_S = 5.0
"""Seconds to wait after the last write: some drivers probe asynchronously."""


class State(Enum):
    """State of a transaction; the table above has what each one does."""

    LOCKED = auto()
    RECORDING = auto()
    WRITING = auto()
    VERIFYING = auto()
    DONE = auto()
    ROLLING_BACK = auto()
    ROLLED_BACK = auto()
    NOT_UNDONE = auto()
    BLOCKED = auto()


def lock_names(device: Device) -> tuple[str, ...]:
    """Return the locks that a device needs: its IOMMU group's, then its own."""
    group = (f"group-{device.iommu_group}",) if device.iommu_group is not None else ()
    return (*group, f"{device.bus}-{device.name}")


@contextmanager
def locked(host: Host, device: Device, options: Options) -> Iterator[Device]:
    """Hold the locks of a device, and yield it as read under them.

    A dry run takes no locks.

    :raises RefusedError: the host is a captured one.
    :raises FailedError: another run, or the kernel, holds the device for too long.
    """
    if options.is_dry_run:
        yield read_device(host, device.bus, device.name)
        return
    host.require_live()
    with host.locked(lock_names(device), options.timeout_s):
        device = read_device(host, device.bus, device.name)
        checks.require_idle(device)
        yield device


def change(
    host: Host,
    device: Device,
    steps: Sequence[Step],
    before: Binding,
    target: Binding,
    options: Options,
    *,
    needs_vfio: bool = False,
) -> Record | None:
    """Record a device, write the steps, verify, and keep the record.

    :return: the record before this change.
    :raises ResolverError: as with :meth:`Transaction.run`.
    """
    checks.require_writable(host, device)
    previous = journal.load(host, journal.name_of(device.bus, device.name))
    record = journal.record_of(host, device, before, wanted=target.driver)
    valid = journal.usable(host, device)
    if valid is not None:
        record = dataclasses.replace(
            valid, wanted=target.driver, started_from=before.driver
        )
    transaction = Transaction(
        host, device, before, target, options, needs_vfio, record, previous
    )
    transaction.run(steps)
    return previous


def move_back(
    host: Host,
    device: Device,
    steps: Sequence[Step],
    before: Binding,
    target: Binding,
    options: Options,
    record: Record | None,
) -> None:
    """Write the steps, verify, and replace the record.

    :param record: record of the device afterwards; ``None``: none.
    :raises ResolverError: as with :meth:`Transaction.run`.
    """
    Transaction(host, device, before, target, options).run(steps)
    journal.replace(host, journal.name_of(device.bus, device.name), record)


@dataclass
class Transaction:
    """One change of one device; the caller holds its locks."""

    host: Host
    device: Device
    before: Binding
    """Driver and override to roll back to."""
    target: Binding
    """Driver and override after the last step."""
    options: Options
    needs_vfio: bool = False
    """The driver must register a VFIO device."""
    record: Record | None = None
    """Record to write before the first step; ``None``: leave the record alone."""
    previous: Record | None = None
    """Record to restore after a roll-back."""
    state: State = State.LOCKED

    def run(self, steps: Sequence[Step]) -> None:
        """Go from LOCKED to DONE, or raise the error of the state it ends in.

        :raises FailedError: a step failed; the device is rolled back.
        :raises RefusedError: likewise, and a driver refused it.
        :raises NotUndoneError: a step failed, and so did the roll-back.
        :raises BlockedError: a write has not returned; it may still happen.
        """
        steps = nvidia.with_lock(self.host, self.device, steps)
        try:
            self._write_record()
            self._write_steps(steps)
            self._verify()
            self.host.hold_signals()
        except BlockedError as blocked:
            self.host.hold_signals()
            self.state = State.BLOCKED
            raise failures.about_blocked(
                self.host, self.device, self.before, blocked
            ) from blocked
        except BaseException as failure:
            self.host.hold_signals()
            with self.host.uninterrupted():
                self._roll_back(steps, failure)
        self.state = State.DONE

    def _write_record(self) -> None:
        self.state = State.RECORDING
        if self.record is not None and self.record != self.previous:
            journal.write(self.host, self.record)

    def _write_steps(self, steps: Sequence[Step]) -> None:
        self.state = State.WRITING
        options = self.options
        for step in steps:
            if step.action == "lock":
                nvidia.lock(
                    self.host, step, options.timeout_s, is_forced=options.is_forced
                )
                continue
            self._write(step)
            if step.action == "probe" and self.target.driver is not None:
                self._require_bound(self.target.driver)

    def _write(self, step: Step) -> None:
        path = f"{self.host.sys}/{step.path}"
        try:
            self.host.write(path, step.text, timeout_s=self.options.timeout_s)
        except OSError as problem:
            raise failures.write_failure(self.host, step, problem) from problem

    # The kernel reports a probe as done even if no driver took the device. A write
    # to the driver's "bind" returns the reason. Source: Linux, drivers/base/bus.c,
    # drivers_probe_store().
    def _require_bound(self, driver: str) -> None:
        if bound_driver(self.host, self.device) is not None:
            return
        path = f"{driver_directory(self.device.bus, driver)}/bind"
        try:
            self._write(Step(action="bind", path=path, text=self.device.name))
        except FailedError as problem:
            bound = bound_driver(self.host, self.device)
            # The kernel probed the device by itself in the meantime.
            if problem.errno == errno.EBUSY and bound is not None:
                return
            raise

    def _verify(self) -> None:
        self.state = State.VERIFYING
        host, device, target = self.host, self.device, self.target

        def is_bound() -> bool:
            return bound_driver(host, device) == target.driver

        if not host.wait(is_bound, WAIT_S):
            driver = bound_driver(host, device) or "none"
            raise FailedError(
                "every write succeeded, but the driver is "
                f"{driver}, not {target.driver or 'none'}"
            )
        override = read_binding(host, device).override
        if override != target.override:
            raise FailedError(
                "every write succeeded, but driver_override is "
                f"{override!r}, not {target.override!r}"
            )
        if self.needs_vfio and not host.wait(
            lambda: has_vfio_device(host, device), WAIT_S
        ):
            raise FailedError(
                f"driver {target.driver} registered no VFIO device",
                hint="run `dmesg | tail` to read the kernel log",
            )

    def _roll_back(self, steps: Sequence[Step], failure: BaseException) -> NoReturn:
        has_written = self.state is not State.RECORDING
        self.state = State.ROLLING_BACK
        error = None
        if has_written:
            problems = nvidia.release(self.host, steps, self.options.timeout_s)
            problems += self._write_back()
            error = failures.reason_of(self.host, self.device, failure)
            if problems:
                self.state = State.NOT_UNDONE
                raise NotUndoneError(
                    error.message if error else "interrupted",
                    problems=problems,
                    hint=f"run `resolver restore {self.device.name}`",
                ) from failure
        if self.record is not None:
            name = journal.name_of(self.device.bus, self.device.name)
            journal.replace(self.host, name, self.previous)
        self.state = State.ROLLED_BACK
        if error is None:
            raise failure
        failures.add_state(self.host, self.device, self.before, error)
        raise error from failure

    # What could not be rolled back, one line each. A refused write does not stop it.
    def _write_back(self) -> tuple[str, ...]:
        host, device, before = self.host, self.device, self.before
        problems = []
        try:
            now = read_binding(host, device)
            for step in plan_move(device.bus, device.name, now, before):
                try:
                    self._write(step)
                except FailedError as problem:
                    problems.append(problem.message)
            now = read_binding(host, device)
        except NotFoundError:
            return ()  # The device went away, and its override with it.
        except (BlockedError, FailedError) as problem:
            return (*problems, problem.message)
        except OSError as problem:
            reason = failures.error_of(problem)
            return (*problems, f"cannot read the device: {reason}")
        return (*problems, *failures.differences(before, now)) if now != before else ()
