"""Records of persistent devices, below ``/etc/resolver/persistent``.

A record file is untrusted input and is checked before use.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Final, Literal

from resolver.device import Device, check_name
from resolver.errors import RefusedError, UsageError
from resolver.linux import Host
from resolver.persistence.record_files import (
    format_document,
    load_record,
    parse_document,
)

__all__ = [
    "MechanismName",
    "PersistentRecord",
    "key_of",
    "load",
    "path_of",
    "recorded",
    "require_same",
]

SCHEMA: Final = "resolver-persistent/1"
MechanismName = Literal["driverctl", "systemd"]

_KEY = re.compile(r"[A-Za-z0-9_]+-[A-Za-z0-9][A-Za-z0-9:._-]{0,199}")
_TEXTS = ("device", "bus", "driver", "module", "mechanism")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistentRecord:
    """A persistent device, with its driver."""

    device: str
    """Name on its bus."""
    bus: str
    vendor_device: str | None
    """``15b3:101e``. A different device at the same address is not bound."""
    driver: str
    module: str
    """Module of ``driver``."""
    mechanism: MechanismName
    """Mechanism that binds the device at boot."""
    uid: int | None = None
    """Owner of the nodes in ``/dev/vfio``; ``None`` for root."""
    gid: int | None = None

    @property
    def key(self) -> str:
        """``pci-0000:3b:00.2``, part of the names of files and units."""
        return f"{self.bus}-{self.device}"

    def to_bytes(self) -> bytes:
        """Return the content of the record's file."""
        return format_document(SCHEMA, asdict(self))


def key_of(device: Device) -> str:
    """Return the key of a device, for the names of files and units.

    :raises UsageError: the device's name has characters that udev or systemd interpret.

    Source: systemd.unit(5): characters of a unit's name; udev(7): patterns.
    """
    return _checked_key(f"{device.bus}-{device.name}")


def path_of(host: Host, key: str) -> str:
    """Return the file of a record."""
    return f"{host.etc}/resolver/persistent/{key}.json"


def load(host: Host, key: str) -> PersistentRecord | None:
    """Return the record of a key; ``None`` if there is none.

    :raises UsageError: the key is invalid.
    :raises FailedError: the file cannot be read, or is not a record of this device.
    """
    path = path_of(host, _checked_key(key))
    return load_record(
        host,
        path,
        lambda data: _checked(data, key),
        hint=f"remove {path}, and make the device persistent again",
    )


def recorded(host: Host) -> list[str]:
    """Return the keys of all records, sorted."""
    names = host.names(f"{host.etc}/resolver/persistent")
    keys = (name.removesuffix(".json") for name in names if name.endswith(".json"))
    return [key for key in keys if _KEY.fullmatch(key)]


def require_same(host: Host, record: PersistentRecord, device: Device) -> None:
    """Refuse a different device at the address of the recorded one.

    Addresses change when hardware is added or removed.

    :raises RefusedError: its vendor:device id differs from the record.
    """
    if record.vendor_device != device.vendor_device:
        raise RefusedError(
            f"the persistent device was {record.vendor_device or 'another'}",
            rule="device-changed",
            hint=f"run `resolver unpersist {record.device}`, then `resolver bind "
            "--persist` with the new address",
        )


def _checked_key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise UsageError(
            f"cannot make {key[:80]!r} persistent: udev and systemd allow only "
            "letters, digits, and : . _ -"
        )
    return key


def _checked(data: bytes, key: str) -> PersistentRecord:
    document = parse_document(data, SCHEMA, PersistentRecord.__dataclass_fields__)
    for name in _TEXTS:
        if not isinstance(document[name], str):
            raise ValueError(f"{name} is not a text")
    for name in ("uid", "gid"):
        _check_number(document[name], name)
    if not isinstance(document["vendor_device"], str | None):
        raise ValueError("vendor_device is not a text")
    if document["mechanism"] not in ("driverctl", "systemd"):
        raise ValueError(f"unknown mechanism {document['mechanism'][:80]!r}")
    for name in ("driver", "module"):
        check_name(document[name], name)
    record = PersistentRecord(**document)
    if record.key != key:
        raise ValueError(f"it is about another device, {record.key[:80]!r}")
    return record


# In Python a bool is an int, but no uid.
def _check_number(value: object, name: str) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**32:
        raise ValueError(f"{name} is not the number of a user or group")
