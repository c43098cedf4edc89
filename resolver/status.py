"""Recorded devices and their current state. Only reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from resolver.changes import journal
from resolver.changes.journal import Record
from resolver.device import Binding, Device
from resolver.errors import FailedError, NotFoundError
from resolver.inspect.devices import read_device
from resolver.linux import Host

__all__ = ["State", "Status", "statuses"]

State = Literal[
    "as wanted",
    "as found",
    "in between",
    "busy",
    "gone",
    "replaced",
    "earlier boot",
    "damaged",
]
"""``as wanted``: as resolver left it. ``as found``: another program restored it.
``in between``: neither, as after a killed run. ``busy``: the kernel or another run
changes it now. ``gone``: no such device. ``replaced``: another device is at its
address, or it was created anew. ``earlier boot``: the host booted since. ``damaged``:
the record cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One recorded device."""

    name: str
    path: str
    """File of the record."""
    state: State
    record: Record | None = None
    """``None``: the record is damaged."""
    now: Binding | None = None
    """Current binding; ``None``: the device is gone."""
    held_by: int | None = None
    """Process that holds the lock of the device."""
    problem: str = ""
    """Error of the record, or the process that holds the lock."""


def statuses(host: Host) -> Iterator[Status]:
    """Yield the recorded devices, sorted by name."""
    for name in journal.recorded(host):
        path = journal.path_of(host, name)
        try:
            record = journal.load(host, name)
        except FailedError as problem:
            yield Status(name=name, path=path, state="damaged", problem=problem.message)
            continue
        if record is not None:
            yield _status(host, path, record)


def _status(host: Host, path: str, record: Record) -> Status:
    try:
        device = read_device(host, record.bus, record.device)
    except NotFoundError:
        return Status(name=record.device, path=path, state="gone", record=record)
    held_by = host.lock_holder(f"{record.bus}-{record.device}")
    return Status(
        name=record.device,
        path=path,
        state=_state(host, device, record, is_held=held_by is not None),
        record=record,
        now=device.binding,
        held_by=held_by,
        problem=_waiting(host, held_by),
    )


def _state(host: Host, device: Device, record: Record, *, is_held: bool) -> State:
    now = device.binding
    if not record.is_about(device):
        return "replaced"
    if journal.is_of_earlier_boot(host, record):
        return "earlier boot"
    if not journal.is_present(host, record):
        return "replaced"
    if device.is_busy or is_held:
        return "busy"
    if now == record.binding and record.wanted != record.driver:
        return "as found"
    return "as wanted" if now.driver == record.wanted else "in between"


def _waiting(host: Host, held_by: int | None) -> str:
    if not held_by:
        return ""
    state, place = host.waiting(held_by)
    where = f", in {place}" if place else ""
    return f"locked by process {held_by} (state {state}{where})"
