"""Records of the previous drivers of devices, for ``resolver restore``.

Each device has one file, ``/run/resolver/<device>.json``. The content of a file is
checked before any of it is used.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from resolver.device import Binding, Device, check_name
from resolver.errors import FailedError, NotFoundError, RefusedError
from resolver.inspect import modules
from resolver.linux import Host
from resolver.persistence.record_files import (
    format_document,
    load_record,
    parse_document,
)

__all__ = [
    "Record",
    "is_of_earlier_boot",
    "load",
    "path_of",
    "record_of",
    "recorded",
    "remove",
    "replace",
    "require",
    "usable",
    "write",
]

SCHEMA: Final = "resolver-journal/2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Driver and override of a device before resolver changed it."""

    device: str
    """Name on its bus."""
    bus: str
    vendor_device: str | None
    """``15b3:101e``; another device at the same address has no use for the record."""
    driver: str | None
    module: str | None
    """Module of ``driver``, to load it again if necessary."""
    override: str | None
    wanted: str | None
    """Target driver of the last command; ``None``: no driver. A device with another
    driver than this and ``driver`` was left in between."""
    boot_id: str | None
    """Boot in which the record was written; bindings do not survive a boot."""

    @property
    def binding(self) -> Binding:
        """Driver and override to restore."""
        return Binding(driver=self.driver, override=self.override)

    def is_about(self, device: Device) -> bool:
        """Return whether the record is about this device, not an earlier one."""
        return (self.bus, self.vendor_device) == (device.bus, device.vendor_device)


def path_of(host: Host, device: str) -> str:
    """Return the record file of a device."""
    return f"{host.journal}/{device}.json"


def write(host: Host, record: Record) -> None:
    """Write a record to disk.

    :raises FailedError: the file cannot be written.
    """
    path = path_of(host, record.device)
    try:
        host.replace_file(path, format_document(SCHEMA, asdict(record)))
    except OSError as problem:
        raise FailedError(
            f"cannot write {path}: {problem.strerror}",
            hint="run as root" if isinstance(problem, PermissionError) else "",
            errno=problem.errno or 0,
        ) from problem


def load(host: Host, device: str) -> Record | None:
    """Return the record of a device; ``None``: it has none.

    :raises FailedError: the file cannot be read, or is damaged.
    """
    return load_record(
        host,
        path_of(host, device),
        lambda data: _checked(data, device),
        hint="bind the device by hand, then remove the file",
    )


def usable(host: Host, device: Device) -> Record | None:
    """Return the record of a device if it is still valid.

    A record of another device at the same address, or of an earlier boot, is not
    valid: a new one replaces it.

    :raises FailedError: as with ``load``.
    """
    record = load(host, device.name)
    if record is None or is_of_earlier_boot(host, record):
        return None
    return record if record.is_about(device) else None


def require(host: Host, device: Device) -> Record:
    """Return the record of a device.

    :raises NotFoundError: it has none.
    :raises RefusedError: another device is at its address now.
    :raises FailedError: as with ``load``.
    """
    record = load(host, device.name)
    if record is None:
        raise NotFoundError(
            f"device has no record in {host.journal}",
            hint="run `resolver status` to list the recorded devices",
        )
    if not record.is_about(device):
        raise RefusedError(
            f"device is not the recorded one ({record.vendor_device or 'unknown id'})",
            rule="device-changed",
            hint=f"remove {path_of(host, device.name)} if the recorded device is gone",
        )
    return record


def is_of_earlier_boot(host: Host, record: Record) -> bool:
    """Return whether a record was written before the last boot."""
    now = host.boot_id()
    return None not in (now, record.boot_id) and now != record.boot_id


def record_of(
    host: Host, device: Device, binding: Binding, *, wanted: str | None
) -> Record:
    """Return a new record of a device.

    :param binding: driver and override to restore later.
    :param wanted: target driver of the command.
    """
    driver = binding.driver
    return Record(
        device=device.name,
        bus=device.bus,
        vendor_device=device.vendor_device,
        driver=driver,
        module=modules.module_of_driver(host, device.bus, driver) if driver else None,
        override=binding.override,
        wanted=wanted,
        boot_id=host.boot_id(),
    )


def remove(host: Host, device: str) -> None:
    """Remove the record of a device.

    :raises FailedError: the file cannot be removed.
    """
    path = path_of(host, device)
    try:
        host.remove_file(path)
    except OSError as problem:
        raise FailedError(
            f"cannot remove {path}: {problem.strerror}", errno=problem.errno or 0
        ) from problem


def replace(host: Host, device: str, record: Record | None) -> None:
    """Replace the record of a device; ``None``: remove it.

    :raises FailedError: the file cannot be changed.
    """
    if record is None:
        remove(host, device)
    else:
        write(host, record)


def recorded(host: Host) -> list[str]:
    """Return the names of the recorded devices, sorted."""
    return [
        name.removesuffix(".json")
        for name in host.names(host.journal)
        if name.endswith(".json") and not name.startswith(".")
    ]


def _checked(data: bytes, device: str) -> Record:
    document = parse_document(data, SCHEMA, Record.__dataclass_fields__)
    for field, value in document.items():
        required = field in ("device", "bus")
        if not isinstance(value, str) and (required or value is not None):
            raise ValueError(f"{field} is not a string")
    record = Record(**document)
    if record.device != device:
        raise ValueError(f"it is about device {record.device[:80]!r}")
    for what in ("device", "bus", "driver", "module", "wanted"):
        name = document[what]
        if name is not None:
            check_name(name, what)
    _check_override(record.override)
    return record


# Anything may have been in driver_override, but nothing that the kernel would
# have cut off. Source: Linux, drivers/base/driver.c, driver_set_override().
def _check_override(override: str | None) -> None:
    if override is None:
        return
    if override in ("", "(null)") or "\n" in override or "\0" in override:
        raise ValueError(f"invalid driver_override {override[:80]!r}")
    if len(override.encode("utf-8", "surrogateescape")) >= 4095:
        raise ValueError("override is longer than 4094 bytes")
