"""The files by which a host binds a device at boot. Only reads."""

from __future__ import annotations

from typing import NamedTuple

from resolver.errors import RefusedError
from resolver.inspect.overlay import visible_files
from resolver.linux import Host
from resolver.persistence import records, texts
from resolver.persistence.records import MechanismName, PersistentRecord

__all__ = ["File", "choose", "driverctl_path", "files_of", "unit_path"]


class File(NamedTuple):
    """A file that makes a device persistent."""

    path: str
    data: bytes
    is_shared: bool = False
    """Other devices need the file, too."""
    folder: str = ""
    """Directory for this file only; empty if it has other files."""


def choose(host: Host, driver: str, module: str, *, has_owner: bool) -> MechanismName:
    """Return the mechanism that binds a device at boot.

    driverctl, if it is installed and sufficient: it loads a module by the name of the
    driver, and sets no owner of nodes. Otherwise a systemd unit of resolver.

    :raises RefusedError: the host has neither.
    """
    is_plain = driver.replace("-", "_") == module and not has_owner
    if is_plain and _has_driverctl(host):
        return "driverctl"
    if host.is_there(f"{host.run}/systemd/system"):
        return "systemd"
    raise RefusedError(
        "cannot bind the device at boot: this host does not run systemd",
        rule="no-persistence",
        hint="run `resolver bind` from the boot scripts of this host",
    )


def files_of(host: Host, record: PersistentRecord, python: str) -> tuple[File, ...]:
    """Return the files of a persistent device; the last acts at boot.

    :param python: path of the Python interpreter with resolver.
    """
    key = record.key
    saved = File(records.path_of(host, key), record.to_bytes())
    if record.mechanism == "systemd":
        rule = texts.udev_rule(record.bus, record.device)
        return (
            File(unit_path(host), texts.boot_unit(python).encode(), is_shared=True),
            saved,
            File(f"{host.etc}/udev/rules.d/70-resolver-{key}.rules", rule.encode()),
        )
    override = File(
        driverctl_path(host, key), texts.driverctl_file(record.driver).encode()
    )
    if record.bus != "pci" or record.vendor_device is None:
        return (saved, override)
    folder = f"{host.etc}/systemd/system/driverctl@{key}.service.d"
    condition = texts.condition(record.device, record.vendor_device)
    guard = File(f"{folder}/50-resolver.conf", condition.encode(), folder=folder)
    return (guard, saved, override)


def driverctl_path(host: Host, key: str) -> str:
    """Return the file of driverctl with the driver of a device."""
    return f"{host.etc}/driverctl.d/{key}"


def unit_path(host: Host) -> str:
    """Return the file of resolver's systemd unit."""
    return f"{host.etc}/systemd/system/resolver-boot@.service"


# Its udev rule binds devices at boot. An empty rule file is masked.
# Source: udev(7).
def _has_driverctl(host: Host) -> bool:
    rules = visible_files(host.udev_rules, host.names, "driverctl.rules")
    return any((host.read_if_there(path) or b"").strip() for path in rules)
