"""Records of the previous drivers of devices, for ``resolver restore``.

Each PCI device has one file, ``/run/resolver/<device>.json``. Devices of other buses
have ``<bus>-<device>.json``, because a name can be on two buses. The content of a file
is checked before any of it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from resolver.device import Binding, Device, check_name
from resolver.errors import FailedError, NotFoundError, RefusedError, UsageError
from resolver.inspect import modules
from resolver.inspect.devices import device_directory
from resolver.linux import Host
from resolver.persistence.record_files import (
    format_document,
    load_record,
    parse_object,
)

__all__ = [
    "Record",
    "is_of_earlier_boot",
    "is_present",
    "load",
    "name_of",
    "path_of",
    "record_of",
    "recorded",
    "remove",
    "replace",
    "require",
    "usable",
    "write",
]

_FAMILY: Final = "resolver-journal/"
SCHEMA: Final = f"{_FAMILY}2"
_REQUIRED: Final = ("device", "bus", "driver", "override")


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
    started_from: str | None = None
    """Driver at the start of the last command."""
    inode: int | None = None
    """Inode number of the device's directory in sysfs. A device that is removed and
    created anew gets another one; ``None``: unknown.

    Source: Linux, fs/kernfs/dir.c, __kernfs_new_node(): numbers are given in a cycle.
    """
    more: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Further members, written by another version; kept."""

    @property
    def binding(self) -> Binding:
        """Driver and override to restore."""
        return Binding(driver=self.driver, override=self.override)

    def is_about(self, device: Device) -> bool:
        """Return whether the record is about this device, not an earlier one."""
        return (self.bus, self.vendor_device) == (device.bus, device.vendor_device)

    def explains(self, now: Binding) -> bool:
        """Return whether the last command can have left a device like this.

        If not, another program has moved the device since, or the device is new. A
        command that was killed leaves any of the states between.
        """
        if now.driver == self.wanted:
            return True
        names = (self.driver, self.wanted, self.started_from)
        return now.driver in (*names, None) and now.override in (*names, self.override)


def name_of(bus: str, device: str) -> str:
    """Return the name of a device's record."""
    return device if bus == "pci" else f"{bus}-{device}"


def path_of(host: Host, name: str) -> str:
    """Return the file of a record.

    :param name: as from :func:`name_of`.
    """
    return f"{host.journal}/{name}.json"


def write(host: Host, record: Record) -> None:
    """Write a record to disk.

    :raises FailedError: the file cannot be written.
    """
    path = path_of(host, name_of(record.bus, record.device))
    members = asdict(record)
    members |= members.pop("more")
    try:
        host.replace_file(path, format_document(SCHEMA, members))
    except OSError as problem:
        raise FailedError(
            f"cannot write {path}: {problem.strerror}",
            hint=_hint(host, problem),
            errno=problem.errno or 0,
        ) from problem


def _hint(host: Host, problem: OSError) -> str:
    is_forbidden = isinstance(problem, PermissionError) and not host.is_root()
    return "run as root" if is_forbidden else ""


def load(host: Host, name: str) -> Record | None:
    """Return a record; ``None``: there is none.

    A record of another version counts as far as this version understands it.

    :param name: as from :func:`name_of`.
    :raises FailedError: the file cannot be read, or is damaged.
    """
    return load_record(
        host,
        path_of(host, name),
        lambda data: _checked(data, name),
        hint="bind the device by hand, then remove the file",
    )


def usable(host: Host, device: Device) -> Record | None:
    """Return the record of a device if it is still valid.

    A record of another device at the same address, or of an earlier boot, is not
    valid: a new one replaces it. Likewise if another program has moved the device.

    :raises FailedError: as with ``load``.
    """
    record = load(host, name_of(device.bus, device.name))
    if record is None or is_of_earlier_boot(host, record):
        return None
    if not record.is_about(device) or not is_present(host, record):
        return None
    return record if record.explains(device.binding) else None


def require(host: Host, device: Device) -> Record:
    """Return the record of a device.

    :raises NotFoundError: it has none.
    :raises RefusedError: another device is at its address now.
    :raises FailedError: as with ``load``.
    """
    name = name_of(device.bus, device.name)
    record = load(host, name)
    if record is None:
        raise NotFoundError(
            f"device has no record in {host.journal}",
            hint="run `resolver status` to list the recorded devices",
        )
    if not record.is_about(device):
        raise RefusedError(
            f"device is not the recorded one ({record.vendor_device or 'unknown id'})",
            rule="device-changed",
            hint=f"remove {path_of(host, name)} if the recorded device is gone",
        )
    return record


def is_of_earlier_boot(host: Host, record: Record) -> bool:
    """Return whether a record was written before the last boot."""
    now = host.boot_id()
    return None not in (now, record.boot_id) and now != record.boot_id


def is_present(host: Host, record: Record) -> bool:
    """Return whether the host still has the very device that was recorded.

    A device that was removed and created anew, such as a virtual function, keeps
    nothing of what resolver changed.
    """
    now = host.inode(_directory(host, record.bus, record.device))
    return record.inode is None or now is None or now == record.inode


def _directory(host: Host, bus: str, device: str) -> str:
    return f"{host.sys}/{device_directory(bus, device)}"


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
        started_from=driver,
        inode=host.inode(_directory(host, device.bus, device.name)),
    )


def remove(host: Host, name: str) -> None:
    """Remove a record.

    :param name: as from :func:`name_of`.
    :raises FailedError: the file cannot be removed.
    """
    path = path_of(host, name)
    try:
        host.remove_file(path)
    except OSError as problem:
        raise FailedError(
            f"cannot remove {path}: {problem.strerror}", errno=problem.errno or 0
        ) from problem


def replace(host: Host, name: str, record: Record | None) -> None:
    """Replace a record; ``None``: remove it.

    :param name: as from :func:`name_of`.
    :raises FailedError: the file cannot be changed.
    """
    if record is None:
        remove(host, name)
    else:
        write(host, record)


def recorded(host: Host) -> list[str]:
    """Return the names of the records, sorted."""
    return [
        name.removesuffix(".json")
        for name in host.names(host.journal)
        if name.endswith(".json") and not name.startswith(".")
    ]


# Another version may give known members another meaning or leave them out. Its record
# then counts as none, because it must not block the device until the next boot.
def _checked(data: bytes, name: str) -> Record | None:
    members = parse_object(data)
    schema = members.pop("schema", None)
    if not isinstance(schema, str) or not schema.startswith(_FAMILY):
        raise ValueError(f"it is not a {SCHEMA} document")
    try:
        return _record_in(members, name)
    except (ValueError, UsageError):
        if schema != SCHEMA:
            return None
        raise


def _record_in(members: dict[str, Any], name: str) -> Record:
    missing = [one for one in _REQUIRED if one not in members]
    if missing:
        raise ValueError(f"it has no {', '.join(missing)}")
    fields = [one for one in Record.__dataclass_fields__ if one != "more"]
    known = {one: members.pop(one, None) for one in fields}
    _check_types(known)
    for what in ("device", "bus", "driver", "module", "wanted", "started_from"):
        if known[what] is not None:
            check_name(known[what], what)
    record = Record(**known, more=members)
    if name_of(record.bus, record.device) != name:
        raise ValueError(f"it is about device {record.device[:80]!r}")
    _check_override(record.override)
    return record


# In Python a bool is an int, but no inode number.
def _check_types(members: Mapping[str, Any]) -> None:
    for member, value in members.items():
        if value is None and member not in ("device", "bus"):
            continue
        kind, what = (int, "number") if member == "inode" else (str, "string")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"{member} is not a {what}")


# Anything may have been in driver_override, but nothing that the kernel would
# have cut off. Source: Linux, drivers/base/driver.c, driver_set_override().
def _check_override(override: str | None) -> None:
    if override is None:
        return
    if override in ("", "(null)") or "\n" in override or "\0" in override:
        raise ValueError(f"invalid driver_override {override[:80]!r}")
    if len(override.encode("utf-8", "surrogateescape")) >= 4095:
        raise ValueError("override is longer than 4094 bytes")
