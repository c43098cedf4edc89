"""Give devices back: to what is remembered of them, or what they were before."""

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
    """Give a device back: to the driver and override it was found with.

    The record is removed once reading has verified that the device is back.

    :raises NotFoundError: nothing is remembered of the device.
    :raises RefusedError: another device is at its address now, or it is in use.
    :raises ResolverError: it is not given back, as with ``bind``.
    """
    with locked(host, device, options) as device:
        record = journal.require(host, device)
        if journal.is_of_earlier_boot(host, record):
            if not options.is_dry_run:
                journal.forget(host, device.name)
            driver = device.binding.driver
            note = "recorded before the last boot, which put the device back"
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
            remembered=record,
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
        node_owner.require_put_back(outcome.given)
        return
    device, target = outcome.device, outcome.device.binding
    with host.locked(lock_names(device), options.timeout_s):
        now = read_binding(host, device, options.timeout_s)
        steps = plan_move(device.bus, device.name, now, target)
        move_back(host, device, steps, now, target, options, outcome.remembered)


# Load the module of the driver to go back to, if it is gone.
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
                f"the previous driver {record.driver} is gone, and module {module} "
                "does not bring it back"
            )
    return (Step(action="load", text=module),)
