"""Bind devices to VFIO drivers, take them off, and give them back.

Each function does one device, all or nothing, and returns what came of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from resolver import journal, modalias, safety
from resolver.device import Binding, Device, check_name
from resolver.errors import NotFoundError, NotUndoneError, UsageError
from resolver.execution import carry_out
from resolver.inventory import (
    find_driver,
    has_driver,
    has_vfio_device,
    read_binding,
)
from resolver.linux import Host
from resolver.loading import load_driver, require_permitted
from resolver.lookup import Aliases
from resolver.plan import Step, plan_bind, plan_move
from resolver.selection import Choice, choose

__all__ = ["Outcome", "bind", "choose_for", "restore", "unbind"]


_NO_VFIO = "{} registered no VFIO device: it is a driver for the host"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done with a device, or would be."""

    device: Device
    """As it was before."""
    driver: str | None
    """Driver that has the device now, or would have it; ``None``: none, or its
    name is not known before its module is loaded."""
    changed: bool
    """Something was written; in a dry run: would be."""
    choice: Choice | None = None
    """Why this driver; ``None`` where none was chosen."""
    steps: tuple[Step, ...] = ()
    """What was done or would be, in order."""
    undo: tuple[Step, ...] = ()
    """What takes all steps back."""
    notes: tuple[str, ...] = ()
    """What else there is to know."""


def choose_for(aliases: Aliases, device: Device, request: str | None = None) -> Choice:
    """Return the driver for a device: the one asked for, or the best.

    :param request: name of a driver or module, from ``--driver``.
    :raises UsageError: the name cannot be one.
    :raises NotFoundError: no VFIO driver is known for the device.
    """
    if request is not None:
        return Choice(name=check_name(request, "driver"), source="user")
    if device.is_bridge:
        raise NotFoundError("it is a bridge, and VFIO takes only what is no bridge")
    if device.modalias is None:
        raise NotFoundError(
            f"bus {device.bus!r} has no modaliases to choose a driver by",
            hint="name one with --driver NAME",
        )
    try:
        parsed = modalias.parse(device.modalias)
    except UsageError as problem:
        raise NotFoundError(
            f"the device reports a {problem.message}",
            hint="name a driver with --driver NAME",
        ) from problem
    return choose(parsed, aliases)


def bind(
    host: Host,
    aliases: Aliases,
    device: Device,
    *,
    request: str | None = None,
    is_dry_run: bool = False,
) -> Outcome:
    """Bind a device to its best VFIO driver, or to the one asked for.

    :param request: name of a driver or module; ``None``: choose the best.
    :param is_dry_run: only say what would be done.
    :raises ResolverError: it is not bound; the class says whose fault it is and
        whether the device is as it was.
    """
    choice = choose_for(aliases, device, request)
    safety.require_iommu(host, device)
    bound = device.binding.driver
    driver = find_driver(host, device.bus, choice.name, bound)
    loads: tuple[Step, ...] = ()
    if driver is None:
        require_permitted(host, choice.module)
        loads = (Step(action="load", text=choice.module),)
    if is_dry_run:
        return _foreseen(host, device, choice, driver, loads)
    if driver is None:
        safety.require_writable(host, device)
        driver = load_driver(host, device.bus, choice.name, bound)
    return _bind_to(host, device, choice, driver, loads)


def unbind(host: Host, device: Device, *, is_dry_run: bool = False) -> Outcome:
    """Take a device from its driver and leave it without one.

    ``driver_override`` is as it was found: what ``bind`` wrote to it is taken back.

    :raises ResolverError: it is not unbound, as with ``bind``.
    """
    record = journal.usable(host, device)
    before = device.binding
    override = record.override if record is not None else before.override
    target = Binding(driver=None, override=override)
    steps = plan_move(device.bus, device.name, before, target)
    records: tuple[Step, ...] = ()
    if steps:
        records = _record_step(host, device)
        if not is_dry_run:
            _transact(host, device, steps, before, target)
    return Outcome(
        device=device,
        driver=None,
        changed=bool(steps),
        steps=records + steps,
        undo=plan_move(device.bus, device.name, target, before),
    )


def restore(host: Host, device: Device, *, is_dry_run: bool = False) -> Outcome:
    """Give a device back: to the driver and override it was found with.

    The record is removed once reading has verified that the device is back.

    :raises NotFoundError: nothing is remembered of the device.
    :raises RefusedError: another device is at its address now.
    :raises ResolverError: it is not given back, as with ``bind``.
    """
    record = journal.require(host, device)
    if journal.is_of_earlier_boot(host, record):
        if not is_dry_run:
            journal.forget(host, device.name)
        driver = device.binding.driver
        note = "recorded before the last boot, which put the device back"
        return Outcome(device=device, driver=driver, changed=False, notes=(note,))
    loads = _load_again(host, device, record, is_dry_run=is_dry_run)
    now = read_binding(host, device.bus, device.name)
    steps = plan_move(device.bus, device.name, now, record.binding)
    if not is_dry_run:
        if steps:
            safety.require_writable(host, device)
        carry_out(host, device, steps, before=now, target=record.binding)
        journal.forget(host, device.name)
    return Outcome(
        device=device,
        driver=record.driver,
        changed=bool(loads + steps),
        steps=loads + steps,
        undo=plan_move(device.bus, device.name, record.binding, now),
    )


def _bind_to(
    host: Host, device: Device, choice: Choice, driver: str, loads: tuple[Step, ...]
) -> Outcome:
    before = device.binding
    # A driver that registers takes the devices that are kept for it already.
    now = read_binding(host, device.bus, device.name)
    plan = plan_bind(device.bus, device.name, now, driver)
    if not plan.steps and now == before:
        return Outcome(device=device, driver=driver, changed=False, choice=choice)
    target = Binding(driver, driver if plan.steps else now.override)
    # Whoever names a driver may have reasons to name one without VFIO.
    needs_vfio = choice.source != "user"
    records = _record_step(host, device)
    _transact(host, device, plan.steps, before, target, needs_vfio=needs_vfio)
    return Outcome(
        device=device,
        driver=driver,
        changed=True,
        choice=choice,
        steps=loads + records + plan.steps,
        undo=plan.undo,
        notes=() if has_vfio_device(host, device) else (_NO_VFIO.format(driver),),
    )


def _foreseen(
    host: Host,
    device: Device,
    choice: Choice,
    driver: str | None,
    loads: tuple[Step, ...],
) -> Outcome:
    driver = driver or choice.sure_driver
    name = driver or f"(the driver of {choice.module})"
    plan = plan_bind(device.bus, device.name, device.binding, name)
    steps = loads + (_record_step(host, device) if plan.steps else ()) + plan.steps
    return Outcome(
        device=device,
        driver=driver,
        changed=bool(plan.steps),
        choice=choice,
        steps=steps,
        undo=plan.undo,
    )


# Remember the device, do the steps; a record that this call made goes again if
# the device is back where it was.
def _transact(
    host: Host,
    device: Device,
    steps: tuple[Step, ...],
    before: Binding,
    target: Binding,
    *,
    needs_vfio: bool = False,
) -> None:
    safety.require_writable(host, device)
    is_first = bool(_record_step(host, device))
    try:
        if is_first:
            journal.remember(host, journal.record_of(host, device, before))
        carry_out(
            host, device, steps, before=before, target=target, needs_vfio=needs_vfio
        )
    except NotUndoneError:
        raise
    except BaseException:
        if is_first:
            journal.forget(host, device.name)
        raise


def _record_step(host: Host, device: Device) -> tuple[Step, ...]:
    if journal.usable(host, device) is not None:
        return ()
    return (Step(action="record", path=journal.path_of(host, device.name)),)


# Load the module of the driver to go back to, if it is gone.
def _load_again(
    host: Host, device: Device, record: journal.Record, *, is_dry_run: bool
) -> tuple[Step, ...]:
    if record.driver is None or has_driver(host, device.bus, record.driver):
        return ()
    module = record.module or record.driver.replace("-", "_")
    if not is_dry_run:
        safety.require_writable(host, device)
        load_driver(host, device.bus, module, record.driver)
        if not has_driver(host, device.bus, record.driver):
            raise NotFoundError(
                f"the previous driver {record.driver} is gone, and module {module} "
                "does not bring it back"
            )
    return (Step(action="load", text=module),)
