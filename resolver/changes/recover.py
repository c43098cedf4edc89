"""Put a device back whose worker process was killed.

The dead worker has written the record before its first change. The record says how the
device was, so the parent can do what the worker's roll-back would have done.
"""

from __future__ import annotations

from dataclasses import dataclass

from resolver.changes import failures, journal
from resolver.changes.journal import Record
from resolver.changes.plan import plan_move
from resolver.changes.transaction import lock_names, move_back
from resolver.device import Binding, Device
from resolver.errors import (
    BlockedError,
    FailedError,
    NotFoundError,
    NotUndoneError,
    ResolverError,
)
from resolver.inspect.devices import read_binding
from resolver.linux import Host
from resolver.options import Options

__all__ = ["Before", "recover", "state_of"]


@dataclass(frozen=True, slots=True)
class Before:
    """A recorded device before a command changes it again."""

    record: Record
    binding: Binding


def state_of(host: Host, device: Device, options: Options) -> Before | None:
    """Return the state to put a device back to, apart from its record.

    ``None``: the device has no record yet, so the one that a worker writes is enough.
    """
    try:
        record = journal.usable(host, device)
        if record is None:
            return None
        return Before(record, read_binding(host, device, options.timeout_s))
    except (ResolverError, OSError):
        return None  # The worker meets the same error before its first change.


def recover(
    host: Host, device: Device, before: Before | None, options: Options, reason: str
) -> ResolverError:
    """Put back the device of a killed worker, and return the error to report.

    A write of the worker may still run. Its helper then holds the locks.

    :param before: as returned by ``state_of`` before the worker started.
    :param reason: what ended the worker.
    """
    error = FailedError(reason)
    with host.uninterrupted():
        try:
            with host.locked(lock_names(device), options.timeout_s):
                _put_back(host, device, before, options, error)
        except NotFoundError:
            error.message += "; the device was removed"
        except BlockedError as blocked:
            blocked.message = f"{reason}: {blocked.message}"
            return blocked
        except (ResolverError, OSError) as problem:
            return _not_undone(device, reason, problem)
    return error


def _put_back(
    host: Host,
    device: Device,
    before: Before | None,
    options: Options,
    error: FailedError,
) -> None:
    now = read_binding(host, device, options.timeout_s)
    record = before.record if before else journal.usable(host, device)
    if record is None:
        error.message += "; the device is not changed"
        return
    target = before.binding if before else record.binding
    steps = plan_move(device.bus, device.name, now, target)
    kept = before.record if before else None
    move_back(host, device, steps, now, target, options, kept)
    failures.add_state(host, device, target, error)


def _not_undone(
    device: Device, reason: str, problem: ResolverError | OSError
) -> NotUndoneError:
    problems: tuple[str, ...] = (
        failures.error_of(problem) if isinstance(problem, OSError) else problem.message,
    )
    if isinstance(problem, NotUndoneError):
        problems += problem.problems
    return NotUndoneError(
        reason, problems=problems, hint=f"run `resolver restore {device.name}`"
    )
