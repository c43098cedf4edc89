"""Makes bindings persistent, and takes that back.

All the files of a device are written, or none; each is there whole or not at all.
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
    "persist",
    "require_possible",
    "revert",
    "told_already",
    "unpersist",
]

_WAIT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Persisted:
    """What was done so that a device is bound at boot, or is not any more."""

    key: str
    """``pci-0000:3b:00.2``."""
    driver: str | None
    """Driver that it gets at boot; ``None``: the one that the kernel chooses."""
    mechanism: str
    """``driverctl`` or ``systemd``."""
    files: tuple[str, ...]
    """Files that were written or removed; none: it was so already."""
    notes: tuple[str, ...] = ()
    """What else there is to know."""
    before: PersistentRecord | None = None
    """What was recorded before."""


def require_possible(
    host: Host, device: Device, driver: str, module: str, *, has_owner: bool
) -> PersistentRecord | None:
    """Return what will be recorded, before anything is changed.

    :return: ``None``: driverctl is told so already, by somebody else.
    :raises UsageError: the device's name cannot be part of a rule or unit.
    :raises RefusedError: the host has no mechanism, or the administrator has told
        driverctl otherwise.
    """
    key = records.key_of(device)
    chosen = mechanism.choose(host, driver, module, has_owner=has_owner)
    told = _told_by_others(host, key)
    if told is not None and told != driver:
        raise RefusedError(
            f"driverctl has been told to bind it to {told!r} at boot",
            rule="persistent-otherwise",
            hint=f"driverctl unset-override {device.name}, or remove "
            f"{mechanism.driverctl_path(host, key)}",
        )
    if told is not None:
        return None
    return PersistentRecord(
        device=device.name,
        bus=device.bus,
        vendor_device=device.vendor_device,
        driver=driver,
        module=module,
        mechanism=chosen,
    )


def told_already(device: Device, driver: str) -> Persisted:
    """Return that nothing needs to be done: driverctl does it, told by others."""
    return Persisted(
        key=records.key_of(device),
        driver=driver,
        mechanism="driverctl",
        files=(),
        notes=("driverctl has been told so by somebody else",),
    )


def persist(host: Host, record: PersistentRecord) -> Persisted:
    """Have a device bound to a driver at every boot.

    :raises FailedError: a file cannot be written; all are as they were.
    :raises NotUndoneError: nor could all be put back.
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
    """Take back what :func:`persist` did.

    :raises ResolverError: as with :func:`persist` and :func:`unpersist`.
    """
    if not done.files:
        return
    if done.before is not None:
        persist(host, done.before)
    else:
        unpersist(host, done.key)


def unpersist(host: Host, key: str, *, is_dry_run: bool = False) -> Persisted:
    """Leave a device to the kernel at the next boot; now it stays as it is.

    :raises UsageError: the key cannot be one.
    :raises RefusedError: the host is a captured one.
    :raises NotFoundError: resolver has not made it persistent.
    :raises FailedError: a file cannot be removed; all are as they were.
    :raises NotUndoneError: nor could all be put back.
    """
    if is_dry_run:
        return _ended(host, key, is_dry_run=True)
    host.require_live()
    with host.locked(["persistence"], _WAIT_S):
        return _ended(host, key, is_dry_run=False)


def _ended(host: Host, key: str, *, is_dry_run: bool) -> Persisted:
    record = records.load(host, key)
    if record is None:
        raise NotFoundError("it is not persistent", hint=_hint(host, key))
    others = any(one != key for one in records.recorded(host))
    override = mechanism.driverctl_path(host, key)
    notes, gone = [], []
    for file in reversed(mechanism.files_of(host, record, sys.executable)):
        if file.path == override and _is_changed(host, file):
            notes.append(f"{override} was changed by somebody else, and stays")
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


# Driver that somebody else has told driverctl; None: nobody has.
def _told_by_others(host: Host, key: str) -> str | None:
    data = host.read_if_there(mechanism.driverctl_path(host, key))
    if data is None:
        return None
    told = data.decode("utf-8", "replace").strip()
    own = records.load(host, key)
    is_own = own is not None and (own.mechanism, own.driver) == ("driverctl", told)
    return None if is_own or not told else told


def _hint(host: Host, key: str) -> str:
    path = mechanism.driverctl_path(host, key)
    if host.is_there(path):
        device = key.partition("-")[2]
        return f"driverctl has {path}: driverctl unset-override {device} removes it"
    return "only what bind --persist made so is"
