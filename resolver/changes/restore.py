"""Restore a device: to its record, or to its state before an outcome."""

from __future__ import annotations

from resolver.changes import checks, journal, node_owner
from resolver.changes.load_module import load_driver
from resolver.changes.outcome import Outcome
from resolver.changes.plan import Step, plan_move
from resolver.changes.transaction import lock_names, locked, move_back
from resolver.device import Device
from resolver.errors import NotFoundError
from resolver.inspect.devices import has_driver, read_binding
from resolver.linux import Host
from resolver.options import Options
from resolver.persistence import persist

__all__ = ["has_written", "restore", "undo"]

_DEFAULTS = Options()


def restore(host: Host, device: Device, options: Options = _DEFAULTS) -> Outcome:
    """Restore the previous driver and override of a device.

    The record is removed after the device is verified.

    :raises NotFoundError: the device has no record.
    :raises RefusedError: another device is at its address now, or it is in use.
    :raises ResolverError: it is not restored, as with ``bind``.
    """
    with locked(host, device, options) as device:
        record = journal.require(host, device)
        obsolete = _why_obsolete(host, record)
        if obsolete:
            if not options.is_dry_run:
                journal.remove(host, journal.name_of(device.bus, device.name))
            driver, note = device.binding.driver, f"{obsolete}: nothing to restore"
            return Outcome(device=device, driver=driver, changed=False, notes=(note,))
        if device.binding.driver != record.driver:
            checks.require_unused(host, device, options)
        loads = _load_again(host, device, record, options)
        now = read_binding(host, device, options.timeout_s)
        steps = plan_move(device.bus, device.name, now, record.binding)
        if not options.is_dry_run:
            if steps:
                checks.require_writable(host, device)
            move_back(host, device, steps, now, record.binding, options, None)
        return Outcome(
            device=device,
            driver=record.driver,
            changed=bool(loads + steps),
            steps=loads + steps,
            undo=plan_move(device.bus, device.name, record.binding, now),
            previous_record=record,
        )


def has_written(outcome: Outcome) -> bool:
    """Return whether an outcome has anything to undo."""
    files = outcome.persisted.files if outcome.persisted else ()
    return bool(outcome.changed or outcome.given or files)


def undo(host: Host, outcome: Outcome, options: Options) -> None:
    """Undo an outcome: its persistence, its nodes' owner, its binding, its record.

    :raises ResolverError: something is not undone.
    """
    if outcome.persisted is not None:
        persist.revert(host, outcome.persisted)
    if not outcome.changed:
        node_owner.restore_owners(outcome.given)
        return
    device, target = outcome.device, outcome.device.binding
    with host.locked(lock_names(device), options.timeout_s):
        now = read_binding(host, device, options.timeout_s)
        steps = plan_move(device.bus, device.name, now, target)
        move_back(host, device, steps, now, target, options, outcome.previous_record)


def _why_obsolete(host: Host, record: journal.Record) -> str:
    if journal.is_of_earlier_boot(host, record):
        return "the record is from before the last boot"
    if not journal.is_present(host, record):
        return "the device was removed and created anew since it was recorded"
    return ""


# Load the module of the previous driver, if it is not loaded.
def _load_again(
    host: Host, device: Device, record: journal.Record, options: Options
) -> tuple[Step, ...]:
    if record.driver is None or has_driver(host, device.bus, record.driver):
        return ()
    module = record.module or record.driver.replace("-", "_")
    if not options.is_dry_run:
        checks.require_writable(host, device)
        load_driver(host, device.bus, module, record.driver, options.timeout_s)
        if not has_driver(host, device.bus, record.driver):
            raise NotFoundError(
                f"cannot load the previous driver {record.driver}: module {module} "
                "does not register it"
            )
    return (Step(action="load", text=module),)
