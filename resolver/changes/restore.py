"""Give devices back: to what is remembered of them, or what they were before."""

from __future__ import annotations

from resolver.changes import checks, journal
from resolver.changes.load_module import load_driver
from resolver.changes.outcome import Outcome
from resolver.changes.plan import Step, plan_move
from resolver.changes.transaction import carry_out
from resolver.changes.undertaking import alone, lock_names
from resolver.device import Device
from resolver.errors import NotFoundError
from resolver.inspect.devices import has_driver, read_binding
from resolver.linux import Host
from resolver.options import Terms

__all__ = ["restore", "take_back"]

_USUAL = Terms()


def restore(host: Host, device: Device, *, terms: Terms = _USUAL) -> Outcome:
    """Give a device back: to the driver and override it was found with.

    The record is removed once reading has verified that the device is back.

    :raises NotFoundError: nothing is remembered of the device.
    :raises RefusedError: another device is at its address now, or it is in use.
    :raises ResolverError: it is not given back, as with ``bind``.
    """
    with alone(host, device, terms) as device:
        record = journal.require(host, device)
        if journal.is_of_earlier_boot(host, record):
            if not terms.is_dry_run:
                journal.forget(host, device.name)
            driver = device.binding.driver
            note = "recorded before the last boot, which put the device back"
            return Outcome(device=device, driver=driver, changed=False, notes=(note,))
        if device.binding.driver != record.driver:
            checks.require_unused(host, device, terms)
        loads = _load_again(host, device, record, terms)
        now = read_binding(host, device, terms.timeout_s)
        steps = plan_move(device.bus, device.name, now, record.binding)
        if not terms.is_dry_run:
            if steps:
                checks.require_writable(host, device)
            carry_out(
                host, device, steps, before=now, target=record.binding, terms=terms
            )
            journal.forget(host, device.name)
        return Outcome(
            device=device,
            driver=record.driver,
            changed=bool(loads + steps),
            steps=loads + steps,
            undo=plan_move(device.bus, device.name, record.binding, now),
            remembered=record,
        )


def take_back(host: Host, outcome: Outcome, terms: Terms) -> None:
    """Bring a device that was changed back to where it was, record and all.

    :raises ResolverError: it is not brought back, as with ``bind``.
    """
    device, target = outcome.device, outcome.device.binding
    with host.locked(lock_names(device), terms.timeout_s):
        now = read_binding(host, device, terms.timeout_s)
        steps = plan_move(device.bus, device.name, now, target)
        carry_out(host, device, steps, before=now, target=target, terms=terms)
        journal.return_to(host, device.name, outcome.remembered)


# Load the module of the driver to go back to, if it is gone.
def _load_again(
    host: Host, device: Device, record: journal.Record, terms: Terms
) -> tuple[Step, ...]:
    if record.driver is None or has_driver(host, device.bus, record.driver):
        return ()
    module = record.module or record.driver.replace("-", "_")
    if not terms.is_dry_run:
        checks.require_writable(host, device)
        load_driver(host, device.bus, module, record.driver, terms.timeout_s)
        if not has_driver(host, device.bus, record.driver):
            raise NotFoundError(
                f"the previous driver {record.driver} is gone, and module {module} "
                "does not bring it back"
            )
    return (Step(action="load", text=module),)
