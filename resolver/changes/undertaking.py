"""What every change of a device goes through: locks before, a record, undo after."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

from resolver.changes import checks, journal
from resolver.changes.plan import Step
from resolver.changes.transaction import carry_out
from resolver.device import Binding, Device
from resolver.errors import NotUndoneError
from resolver.inspect.devices import read_device
from resolver.linux import Host
from resolver.options import Terms

__all__ = ["alone", "lock_names", "record_step", "transact"]


def lock_names(device: Device) -> tuple[str, ...]:
    """Return the locks that a device needs: its IOMMU group's, then its own."""
    group = (f"group-{device.iommu_group}",) if device.iommu_group is not None else ()
    return (*group, f"{device.bus}-{device.name}")


@contextmanager
def alone(host: Host, device: Device, terms: Terms) -> Iterator[Device]:
    """Yield a device as it is now that nobody else can change it any more.

    A dry run keeps nobody away.

    :raises RefusedError: the host is a captured one.
    :raises FailedError: another run, or the kernel, is at work on it for too long.
    """
    if terms.is_dry_run:
        yield read_device(host, device.bus, device.name)
        return
    host.require_live()
    with host.locked(lock_names(device), terms.timeout_s):
        device = read_device(host, device.bus, device.name)
        checks.require_idle(device)
        yield device


def transact(
    host: Host,
    device: Device,
    steps: tuple[Step, ...],
    before: Binding,
    target: Binding,
    terms: Terms,
    *,
    needs_vfio: bool = False,
) -> journal.Record | None:
    """Remember a device, do the steps, and return how it was remembered before.

    The record is as it was again if the device is.

    :raises ResolverError: as with ``carry_out``, and where nothing can be remembered.
    """
    checks.require_writable(host, device)
    found = journal.usable(host, device)
    record = journal.record_of(host, device, before, wanted=target.driver)
    if found is not None:
        record = dataclasses.replace(found, wanted=target.driver)
    try:
        if record != found:
            journal.remember(host, record)
        carry_out(
            host,
            device,
            steps,
            before=before,
            target=target,
            terms=terms,
            needs_vfio=needs_vfio,
        )
    except NotUndoneError:
        raise
    except BaseException:
        with host.uninterrupted():
            journal.return_to(host, device.name, found)
        raise
    return found


def record_step(host: Host, device: Device) -> tuple[Step, ...]:
    """Return the step that remembers a device, if it is not remembered yet."""
    if journal.usable(host, device) is not None:
        return ()
    return (Step(action="record", path=journal.path_of(host, device.name)),)
