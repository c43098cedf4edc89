"""What a device was bound to before resolver touched it, kept until restored.

One file a device, ``/run/resolver/<device>.json``. A file is input like any other:
its content is checked before any of it is used.
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
    "forget",
    "is_of_earlier_boot",
    "load",
    "path_of",
    "record_of",
    "recorded",
    "remember",
    "require",
    "return_to",
    "usable",
]

SCHEMA: Final = "resolver-journal/2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """How a device was found."""

    device: str
    """Name on its bus."""
    bus: str
    vendor_device: str | None
    """``15b3:101e``: another device at the same address is not given its driver."""
    driver: str | None
    module: str | None
    """Module of ``driver``, to load it again if it is gone."""
    override: str | None
    wanted: str | None
    """Driver that the last command was to bring, ``None``: none. A device that has
    neither this nor ``driver`` was left halfway."""
    boot_id: str | None
    """A boot ends what was recorded: overrides and bindings do not survive it."""

    @property
    def binding(self) -> Binding:
        """Driver and override to go back to."""
        return Binding(driver=self.driver, override=self.override)

    def is_about(self, device: Device) -> bool:
        """Return whether it is about this very device, not one once in its place."""
        return (self.bus, self.vendor_device) == (device.bus, device.vendor_device)


def path_of(host: Host, device: str) -> str:
    """Return the file in which a device is remembered."""
    return f"{host.journal}/{device}.json"


def remember(host: Host, record: Record) -> None:
    """Write a record so that it survives whatever comes next.

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
    """Return how a device was found; ``None`` if nothing is remembered.

    :raises FailedError: the file cannot be read or is no record of this device.
    """
    return load_record(
        host,
        path_of(host, device),
        lambda data: _checked(data, device),
        hint="bind the device by hand, then remove the file",
    )


def usable(host: Host, device: Device) -> Record | None:
    """Return how a device was found, if that still says where it should go back to.

    Not the record of another device that was at its address, nor one from before
    the last boot: those a new record replaces.

    :raises FailedError: as with ``load``.
    """
    record = load(host, device.name)
    if record is None or is_of_earlier_boot(host, record):
        return None
    return record if record.is_about(device) else None


def require(host: Host, device: Device) -> Record:
    """Return how a device was found.

    :raises NotFoundError: nothing is remembered of it.
    :raises RefusedError: another device is at its address now.
    :raises FailedError: as with ``load``.
    """
    record = load(host, device.name)
    if record is None:
        raise NotFoundError(
            f"nothing is remembered of it in {host.journal}",
            hint="only what resolver bound or unbound since the last boot is",
        )
    if not record.is_about(device):
        raise RefusedError(
            f"the device found there was {record.vendor_device or 'another'}",
            rule="device-changed",
            hint=f"remove {path_of(host, device.name)}: the device it is about is gone",
        )
    return record


def is_of_earlier_boot(host: Host, record: Record) -> bool:
    """Return whether the host was booted again after a device was recorded."""
    now = host.boot_id()
    return None not in (now, record.boot_id) and now != record.boot_id


def record_of(
    host: Host, device: Device, binding: Binding, *, wanted: str | None
) -> Record:
    """Return what is to be remembered of a device.

    :param binding: driver and override to go back to.
    :param wanted: driver that it shall have now.
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


def forget(host: Host, device: str) -> None:
    """Remove a record that has served.

    :raises FailedError: the file cannot be removed.
    """
    path = path_of(host, device)
    try:
        host.remove_file(path)
    except OSError as problem:
        raise FailedError(
            f"cannot remove {path}: {problem.strerror}", errno=problem.errno or 0
        ) from problem


def return_to(host: Host, device: str, record: Record | None) -> None:
    """Let a device be remembered as it was before: so, or not at all.

    :raises FailedError: the file cannot be changed.
    """
    if record is None:
        forget(host, device)
    else:
        remember(host, record)


def recorded(host: Host) -> list[str]:
    """Return the names of the devices that are remembered, sorted."""
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
            raise ValueError(f"{field} is no text")
    record = Record(**document)
    if record.device != device:
        raise ValueError(f"it is about another device, {record.device[:80]!r}")
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
        raise ValueError(f"no driver_override reads {override[:80]!r}")
    if len(override.encode("utf-8", "surrogateescape")) >= 4095:
        raise ValueError("override is longer than a driver_override can be")
