"""What was made persistent: one record a device, below ``/etc/resolver/persistent``.

A file is input like any other: its content is checked before any of it is used.
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
    """A device, and the driver that it gets at every boot."""

    device: str
    """Name on its bus."""
    bus: str
    vendor_device: str | None
    """``15b3:101e``: another device at the same address is left alone."""
    driver: str
    module: str
    """Module of ``driver``, to load it."""
    mechanism: MechanismName
    """What brings it back at boot."""
    uid: int | None = None
    """User who gets the nodes in ``/dev/vfio``; ``None``: root keeps them."""
    gid: int | None = None

    @property
    def key(self) -> str:
        """``pci-0000:3b:00.2``, by which files and units are named."""
        return f"{self.bus}-{self.device}"

    def to_bytes(self) -> bytes:
        """Return the content of its file."""
        return format_document(SCHEMA, asdict(self))


def key_of(device: Device) -> str:
    """Return the name by which files and units about a device are called.

    :raises UsageError: it would mean something else to udev or systemd.

    Source: systemd.unit(5): characters of a unit's name; udev(7): patterns.
    """
    return _checked_key(f"{device.bus}-{device.name}")


def path_of(host: Host, key: str) -> str:
    """Return the file of a record."""
    return f"{host.etc}/resolver/persistent/{key}.json"


def load(host: Host, key: str) -> PersistentRecord | None:
    """Return what was made persistent; ``None``: nothing.

    :raises UsageError: the key cannot be one.
    :raises FailedError: the file cannot be read, or is no record of this device.
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
    """Refuse a device that has come to where the recorded one was.

    Addresses are not kept when hardware is added or taken away.

    :raises RefusedError: it is of another kind.
    """
    if record.vendor_device != device.vendor_device:
        raise RefusedError(
            f"the device made persistent was {record.vendor_device or 'another'}",
            rule="device-changed",
            hint=f"resolver unpersist {record.device}, then bind --persist the device "
            "at its new address",
        )


def _checked_key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise UsageError(
            f"{key[:80]!r} cannot be made persistent: udev and systemd need a name of "
            "letters, digits, and : . _ -"
        )
    return key


def _checked(data: bytes, key: str) -> PersistentRecord:
    document = parse_document(data, SCHEMA, PersistentRecord.__dataclass_fields__)
    for name in _TEXTS:
        if not isinstance(document[name], str):
            raise ValueError(f"{name} is no text")
    for name in ("uid", "gid"):
        _check_number(document[name], name)
    if not isinstance(document["vendor_device"], str | None):
        raise ValueError("vendor_device is no text")
    if document["mechanism"] not in ("driverctl", "systemd"):
        raise ValueError(f"there is no mechanism {document['mechanism'][:80]!r}")
    for name in ("driver", "module"):
        check_name(document[name], name)
    record = PersistentRecord(**document)
    if record.key != key:
        raise ValueError(f"it is about another device, {record.key[:80]!r}")
    return record


# bool is an int to Python, but nobody's number.
def _check_number(value: object, name: str) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**32:
        raise ValueError(f"{name} is no number of a user or group")
