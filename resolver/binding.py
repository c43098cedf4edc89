"""Bind devices to VFIO drivers, take them off, and give them back.

Each function does one device, all or nothing, and returns what came of it. While it
works, no other run of resolver touches the device or its IOMMU group.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from resolver import journal, modalias, safety
from resolver.denylist import require_not_denied
from resolver.device import Binding, Device, check_name
from resolver.errors import NotFoundError, NotUndoneError, UsageError
from resolver.execution import carry_out
from resolver.inventory import (
    find_driver,
    has_driver,
    has_vfio_device,
    read_binding,
    read_device,
)
from resolver.linux import Host
from resolver.loading import load_driver, require_permitted
from resolver.lookup import Aliases
from resolver.permissions import Given
from resolver.persistence.persist import Persisted
from resolver.plan import Step, plan_bind, plan_move
from resolver.selection import Choice, choose
from resolver.terms import Terms

__all__ = [
    "Outcome",
    "bind",
    "choose_for",
    "lock_names",
    "restore",
    "take_back",
    "unbind",
]


_USUAL = Terms()
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
    remembered: journal.Record | None = None
    """How it was remembered before."""
    given: tuple[Given, ...] = ()
    """Nodes that were handed over."""
    persisted: Persisted | None = None
    """How it was made persistent; ``None``: that was not asked for."""


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


def lock_names(device: Device) -> tuple[str, ...]:
    """Return the locks that a device needs: its IOMMU group's, then its own."""
    group = (f"group-{device.iommu_group}",) if device.iommu_group is not None else ()
    return (*group, f"{device.bus}-{device.name}")


def bind(
    host: Host,
    aliases: Aliases,
    device: Device,
    *,
    request: str | None = None,
    terms: Terms = _USUAL,
) -> Outcome:
    """Bind a device to its best VFIO driver, or to the one asked for.

    :param request: name of a driver or module; ``None``: choose the best.
    :raises ResolverError: it is not bound; the class says whose fault it is and
        whether the device is as it was.
    """
    with _alone(host, device, terms) as device:
        choice = choose_for(aliases, device, request)
        safety.require_iommu(host, device)
        bound = device.binding.driver
        driver = find_driver(host, device.bus, choice.name, bound)
        loads: tuple[Step, ...] = ()
        if driver is None:
            require_permitted(host, choice.module)
            loads = (Step(action="load", text=choice.module),)
        if driver is None or driver != bound:
            _require_takeable(host, device, choice, terms)
        if terms.is_dry_run:
            return _foreseen(host, device, choice, driver, loads)
        if driver is None:
            safety.require_writable(host, device)
            driver = load_driver(host, device.bus, choice.name, bound, terms.timeout_s)
        return _bind_to(host, device, choice, driver, loads, terms)


def unbind(host: Host, device: Device, *, terms: Terms = _USUAL) -> Outcome:
    """Take a device from its driver and leave it without one.

    ``driver_override`` is as it was found: what ``bind`` wrote to it is taken back.

    :raises ResolverError: it is not unbound, as with ``bind``.
    """
    with _alone(host, device, terms) as device:
        record = journal.usable(host, device)
        before = device.binding
        override = record.override if record is not None else before.override
        target = Binding(driver=None, override=override)
        steps = plan_move(device.bus, device.name, before, target)
        records: tuple[Step, ...] = ()
        if steps:
            safety.require_unused(host, device, terms)
            records = _record_step(host, device)
            if not terms.is_dry_run:
                record = _transact(host, device, steps, before, target, terms)
        return Outcome(
            device=device,
            driver=None,
            changed=bool(steps),
            steps=records + steps,
            undo=plan_move(device.bus, device.name, target, before),
            remembered=record,
        )


def restore(host: Host, device: Device, *, terms: Terms = _USUAL) -> Outcome:
    """Give a device back: to the driver and override it was found with.

    The record is removed once reading has verified that the device is back.

    :raises NotFoundError: nothing is remembered of the device.
    :raises RefusedError: another device is at its address now, or it is in use.
    :raises ResolverError: it is not given back, as with ``bind``.
    """
    with _alone(host, device, terms) as device:
        record = journal.require(host, device)
        if journal.is_of_earlier_boot(host, record):
            if not terms.is_dry_run:
                journal.forget(host, device.name)
            driver = device.binding.driver
            note = "recorded before the last boot, which put the device back"
            return Outcome(device=device, driver=driver, changed=False, notes=(note,))
        if device.binding.driver != record.driver:
            safety.require_unused(host, device, terms)
        loads = _load_again(host, device, record, terms)
        now = read_binding(host, device.bus, device.name, terms.timeout_s)
        steps = plan_move(device.bus, device.name, now, record.binding)
        if not terms.is_dry_run:
            if steps:
                safety.require_writable(host, device)
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
        now = read_binding(host, device.bus, device.name, terms.timeout_s)
        steps = plan_move(device.bus, device.name, now, target)
        carry_out(host, device, steps, before=now, target=target, terms=terms)
        journal.return_to(host, device.name, outcome.remembered)


# The device as it is when nobody else can change it any more.
@contextmanager
def _alone(host: Host, device: Device, terms: Terms) -> Iterator[Device]:
    if terms.is_dry_run:
        yield device
        return
    host.require_live()
    with host.locked(lock_names(device), terms.timeout_s):
        device = read_device(host, device.bus, device.name)
        safety.require_idle(device)
        yield device


def _require_takeable(host: Host, device: Device, choice: Choice, terms: Terms) -> None:
    safety.require_unused(host, device, terms)
    # Whoever names a driver may want one that leaves the group to the host.
    if choice.source != "user" or "vfio" in choice.name:
        safety.require_group(host, device, terms)


def _bind_to(
    host: Host,
    device: Device,
    choice: Choice,
    driver: str,
    loads: tuple[Step, ...],
    terms: Terms,
) -> Outcome:
    before = device.binding
    # A driver that registers takes the devices that are kept for it already.
    now = read_binding(host, device.bus, device.name, terms.timeout_s)
    plan = plan_bind(device.bus, device.name, now, driver)
    if not plan.steps and now == before:
        return Outcome(device=device, driver=driver, changed=False, choice=choice)
    require_not_denied(host, device, driver)
    target = Binding(driver, driver if plan.steps else now.override)
    # Whoever names a driver may have reasons to name one without VFIO.
    needs_vfio = choice.source != "user"
    records = _record_step(host, device)
    found = _transact(
        host, device, plan.steps, before, target, terms, needs_vfio=needs_vfio
    )
    return Outcome(
        device=device,
        driver=driver,
        changed=True,
        choice=choice,
        steps=loads + records + plan.steps,
        undo=plan.undo,
        notes=() if has_vfio_device(host, device) else (_NO_VFIO.format(driver),),
        remembered=found,
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


# Remember the device, do the steps, and return how it was remembered before. The
# record is as it was again if the device is.
def _transact(
    host: Host,
    device: Device,
    steps: tuple[Step, ...],
    before: Binding,
    target: Binding,
    terms: Terms,
    *,
    needs_vfio: bool = False,
) -> journal.Record | None:
    safety.require_writable(host, device)
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


def _record_step(host: Host, device: Device) -> tuple[Step, ...]:
    if journal.usable(host, device) is not None:
        return ()
    return (Step(action="record", path=journal.path_of(host, device.name)),)


# Load the module of the driver to go back to, if it is gone.
def _load_again(
    host: Host, device: Device, record: journal.Record, terms: Terms
) -> tuple[Step, ...]:
    if record.driver is None or has_driver(host, device.bus, record.driver):
        return ()
    module = record.module or record.driver.replace("-", "_")
    if not terms.is_dry_run:
        safety.require_writable(host, device)
        load_driver(host, device.bus, module, record.driver, terms.timeout_s)
        if not has_driver(host, device.bus, record.driver):
            raise NotFoundError(
                f"the previous driver {record.driver} is gone, and module {module} "
                "does not bring it back"
            )
    return (Step(action="load", text=module),)
