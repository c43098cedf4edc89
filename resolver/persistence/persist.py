"""Make bindings persistent, and revert that.

All files of a device are written, or none. Each write is atomic.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from resolver.device import Device
from resolver.errors import NotFoundError, RefusedError
from resolver.linux import Host
from resolver.persistence import mechanism, records
from resolver.persistence.changes import Changes
from resolver.persistence.mechanism import File
from resolver.persistence.records import PersistentRecord

__all__ = [
    "Persisted",
    "already_persistent",
    "persist",
    "require_possible",
    "revert",
    "unpersist",
]

_WAIT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Persisted:
    """Result of making a device persistent, or reverting it."""

    key: str
    """``pci-0000:3b:00.2``."""
    driver: str | None
    """Driver that the device gets at boot; ``None`` for the kernel's choice."""
    mechanism: str
    """``driverctl`` or ``systemd``."""
    files: tuple[str, ...]
    """Files that were written or removed; empty if none needed a change."""
    notes: tuple[str, ...] = ()
    """Notes for the user."""
    before: PersistentRecord | None = None
    """The previous record."""


def require_possible(
    host: Host, device: Device, driver: str, module: str, *, has_owner: bool
) -> PersistentRecord | None:
    """Check that a device can be made persistent, and return its record.

    :return: ``None`` if the administrator's driverctl configuration does it already.
    :raises UsageError: the device's name cannot be part of a rule or unit.
    :raises RefusedError: the host has no mechanism, or driverctl is configured for
        another driver.
    """
    key = records.key_of(device)
    chosen = mechanism.choose(host, driver, module, has_owner=has_owner)
    configured = _foreign_driver(host, key)
    if configured is not None and configured != driver:
        raise RefusedError(
            f"driverctl is configured to bind the device to {configured!r} at boot",
            rule="persistent-otherwise",
            hint=f"run `driverctl unset-override {device.name}`, or remove "
            f"{mechanism.driverctl_path(host, key)}",
        )
    if configured is not None:
        return None
    return PersistentRecord(
        device=device.name,
        bus=device.bus,
        vendor_device=device.vendor_device,
        driver=driver,
        module=module,
        mechanism=chosen,
    )


def already_persistent(device: Device, driver: str) -> Persisted:
    """Return the result for a device that driverctl already binds at boot."""
    return Persisted(
        key=records.key_of(device),
        driver=driver,
        mechanism="driverctl",
        files=(),
        notes=("driverctl is already configured for this driver, not by resolver",),
    )


def persist(host: Host, record: PersistentRecord) -> Persisted:
    """Bind a device to a driver at every boot.

    :raises FailedError: a file cannot be written; all were rolled back.
    :raises NotUndoneError: a file could not be rolled back.
    """
    host.require_live()
    with host.locked(["persistence"], _WAIT_S):
        old = records.load(host, record.key)
        obsolete: tuple[File, ...] = ()
        files = mechanism.files_of(host, record, sys.executable)
        if old is not None and old.mechanism != record.mechanism:
            kept = {file.path for file in files}
            gone = mechanism.files_of(host, old, sys.executable)
            obsolete = tuple(f for f in gone if f.path not in kept and not f.is_shared)
        changed = Changes(host).make(files, obsolete)
    return Persisted(
        key=record.key,
        driver=record.driver,
        mechanism=record.mechanism,
        files=changed,
        before=old,
    )


def revert(host: Host, done: Persisted) -> None:
    """Roll back :func:`persist`.

    :raises ResolverError: as :func:`persist` and :func:`unpersist`.
    """
    if not done.files:
        return
    if done.before is not None:
        persist(host, done.before)
    else:
        unpersist(host, done.key)


def unpersist(host: Host, key: str, *, is_dry_run: bool = False) -> Persisted:
    """Stop binding a device at boot. Does not change its current driver.

    :raises UsageError: the key is invalid.
    :raises RefusedError: the host is a captured one.
    :raises NotFoundError: resolver has not made the device persistent.
    :raises FailedError: a file cannot be removed; all were rolled back.
    :raises NotUndoneError: a file could not be rolled back.
    """
    if is_dry_run:
        return _ended(host, key, is_dry_run=True)
    host.require_live()
    with host.locked(["persistence"], _WAIT_S):
        return _ended(host, key, is_dry_run=False)


def _ended(host: Host, key: str, *, is_dry_run: bool) -> Persisted:
    record = records.load(host, key)
    if record is None:
        raise NotFoundError("the device is not persistent", hint=_hint(host, key))
    others = any(one != key for one in records.recorded(host))
    override = mechanism.driverctl_path(host, key)
    notes, gone = [], []
    for file in reversed(mechanism.files_of(host, record, sys.executable)):
        if file.path == override and _is_changed(host, file):
            notes.append(f"{override} was changed by another program and is kept")
        elif not (file.is_shared and others):
            gone.append(file)
    if is_dry_run:
        changed = tuple(file.path for file in gone)
    else:
        changed = Changes(host).make((), gone)
    return Persisted(
        key=key,
        driver=None,
        mechanism=record.mechanism,
        files=changed,
        notes=tuple(notes),
    )


def _is_changed(host: Host, file: File) -> bool:
    return host.read_if_there(file.path) not in (file.data, None)


# The driver in driverctl's configuration, if it is not from resolver.
def _foreign_driver(host: Host, key: str) -> str | None:
    data = host.read_if_there(mechanism.driverctl_path(host, key))
    if data is None:
        return None
    configured = data.decode("utf-8", "replace").strip()
    own = records.load(host, key)
    is_own = own is not None and (own.mechanism, own.driver) == (
        "driverctl",
        configured,
    )
    return None if is_own or not configured else configured


def _hint(host: Host, key: str) -> str:
    path = mechanism.driverctl_path(host, key)
    if host.is_there(path):
        device = key.partition("-")[2]
        return f"run `driverctl unset-override {device}` to remove {path}"
    return "make it persistent with `resolver bind --persist`"
