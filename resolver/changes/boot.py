"""Bind a persistent device at boot."""

from __future__ import annotations

import dataclasses

from resolver.changes.bind import bind
from resolver.changes.load_module import load_driver
from resolver.changes.outcome import Outcome
from resolver.device import Device
from resolver.errors import NotFoundError
from resolver.inspect import devices
from resolver.linux import Host
from resolver.matching.alias_index import Aliases
from resolver.options import Grant, Options
from resolver.persistence import records

__all__ = ["bind_persistent"]


def bind_persistent(
    host: Host, aliases: Aliases, device: Device, options: Options
) -> Outcome:
    """Bind a device as its persistent record says.

    :raises NotFoundError: the device is not persistent, or has no such driver.
    :raises RefusedError: another device is at its address now.
    :raises ResolverError: it is not bound, as with ``bind``.
    """
    record = records.load(host, records.key_of(device))
    if record is None:
        raise NotFoundError("device is not persistent")
    device = devices.read_device(host, record.bus, record.device)
    records.require_same(host, record, device)
    if not options.is_dry_run and not devices.has_driver(
        host, record.bus, record.driver
    ):
        load_driver(host, record.bus, record.module, record.driver, options.timeout_s)
        if not devices.has_driver(host, record.bus, record.driver):
            raise NotFoundError(
                f"module {record.module} does not register driver {record.driver}",
                hint=f"run `resolver unpersist {record.device}`",
            )
    owner = Grant(record.uid, record.gid)
    options = dataclasses.replace(
        options,
        driver=record.driver,
        owner=None if owner == (None, None) else owner,
    )
    return bind(host, aliases, device, options)
