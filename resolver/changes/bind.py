"""Bind one device to a VFIO driver, or unbind it: all of it, or nothing."""

from __future__ import annotations

import dataclasses

from resolver.changes import checks, journal, node_owner, restore
from resolver.changes.decision import Decision, decide
from resolver.changes.load_module import load_driver
from resolver.changes.node_owner import OwnedNode
from resolver.changes.outcome import Outcome
from resolver.changes.plan import Plan, Step, plan_bind, plan_move
from resolver.changes.transaction import change, lock_names, locked
from resolver.device import Binding, Device
from resolver.errors import NotFoundError, NotUndoneError, ResolverError
from resolver.inspect import modules
from resolver.inspect.devices import (
    has_vfio_device,
    read_binding,
    read_device,
)
from resolver.linux import Host
from resolver.matching.alias_index import Aliases
from resolver.matching.select import Choice
from resolver.options import Grant, Options
from resolver.persistence import persist, records
from resolver.persistence.persist import Persisted
from resolver.suggest import did_you_mean

__all__ = ["bind", "unbind"]

_DEFAULTS = Options()
_NO_VFIO = "{} registered no VFIO device: it is a host driver"


def bind(
    host: Host, aliases: Aliases, device: Device, options: Options = _DEFAULTS
) -> Outcome:
    """Bind a device, set the owner of its nodes, and make it persistent.

    :raises ResolverError: part of it failed; the class says why, and whether the
        device is rolled back.
    """
    if options.owner is None and not options.is_persistent:
        return _bind(host, aliases, device, options)
    if options.is_dry_run:
        return _planned(host, aliases, device, options)
    with host.locked(lock_names(device), options.timeout_s):
        if options.is_persistent:
            records.key_of(device)
        outcome = _bind(host, aliases, device, options)
        try:
            return _owned_and_persistent(host, outcome, options)
        except BaseException as problem:
            _undo_for(host, outcome, options, problem)
            raise


def unbind(host: Host, device: Device, options: Options = _DEFAULTS) -> Outcome:
    """Unbind a device, and leave it without a driver.

    ``driver_override`` becomes the one that ``bind`` found.

    :raises ResolverError: it is not unbound, as with ``bind``.
    """
    with locked(host, device, options) as device:
        record = journal.usable(host, device)
        before = device.binding
        override = record.override if record is not None else before.override
        target = Binding(driver=None, override=override)
        steps = plan_move(device.bus, device.name, before, target)
        recording: tuple[Step, ...] = ()
        if steps:
            checks.require_unused(host, device, options)
            recording = _record_step(host, device)
            if not options.is_dry_run:
                record = change(host, device, steps, before, target, options)
        return Outcome(
            device=device,
            driver=None,
            changed=bool(steps),
            steps=recording + steps,
            undo=plan_move(device.bus, device.name, target, before),
            previous_record=record,
        )


def _bind(host: Host, aliases: Aliases, device: Device, options: Options) -> Outcome:
    with locked(host, device, options) as device:
        decision = decide(host, aliases, device, options)
        decision.require()
        loads: tuple[Step, ...] = ()
        if decision.must_load:
            loads = (Step(action="load", text=decision.choice.module),)
        if options.is_dry_run or decision.is_kept:
            return _planned_binding(host, decision, loads)
        choice, driver = decision.choice, decision.driver
        if driver is None:
            checks.require_writable(host, device)
            driver = _load(host, aliases, device, choice, options.timeout_s)
        outcome = _bind_to(host, device, choice, driver, loads, options)
        notes = decision.notes + outcome.notes
        return dataclasses.replace(outcome, notes=notes)


def _load(
    host: Host, aliases: Aliases, device: Device, choice: Choice, timeout_s: float
) -> str:
    bound = device.binding.driver
    try:
        return load_driver(host, device.bus, choice.name, bound, timeout_s)
    except NotFoundError as problem:
        known = {entry.module for entry in aliases.lookup.entries}
        known.update(host.names(f"{host.sys}/bus/{device.bus}/drivers"))
        if known.isdisjoint((choice.name, choice.module)):
            problem.hint = did_you_mean(choice.name, known, problem.hint)
        raise


def _bind_to(
    host: Host,
    device: Device,
    choice: Choice,
    driver: str,
    loads: tuple[Step, ...],
    options: Options,
) -> Outcome:
    before = device.binding
    now = before
    if loads:
        # A driver binds devices whose override names it when it registers.
        now = read_binding(host, device, options.timeout_s)
    plan = plan_bind(device.bus, device.name, now, driver)
    if not plan.steps and now == before:
        return Outcome(device=device, driver=driver, changed=False, choice=choice)
    checks.require_not_denied(host, device, driver)
    target = Binding(driver, driver if plan.steps else now.override)
    # A driver named with --driver may be one without VFIO.
    needs_vfio = choice.source != "user"
    recording = _record_step(host, device)
    previous = change(
        host, device, plan.steps, before, target, options, needs_vfio=needs_vfio
    )
    is_vfio = needs_vfio or has_vfio_device(host, device)
    return Outcome(
        device=device,
        driver=driver,
        changed=True,
        choice=choice,
        steps=loads + recording + plan.steps,
        undo=plan.undo,
        notes=() if is_vfio else (_NO_VFIO.format(driver),),
        previous_record=previous,
    )


def _record_step(host: Host, device: Device) -> tuple[Step, ...]:
    if journal.usable(host, device) is not None:
        return ()
    name = journal.name_of(device.bus, device.name)
    return (Step(action="record", path=journal.path_of(host, name)),)


def _planned_binding(
    host: Host, decision: Decision, loads: tuple[Step, ...]
) -> Outcome:
    device, choice = decision.device, decision.choice
    now = _when_loaded(decision)
    driver = decision.driver or choice.sure_driver
    if now != device.binding:
        driver = now.driver
    name = driver or f"(the driver of {choice.module})"
    plan = plan_bind(device.bus, device.name, now, name)
    if decision.is_kept:
        plan = Plan(steps=())
    changes = bool(plan.steps) or now != device.binding
    recording = _record_step(host, device) if changes else ()
    return Outcome(
        device=device,
        driver=driver,
        changed=changes,
        choice=None if decision.is_kept else choice,
        steps=loads + recording + plan.steps,
        undo=plan.undo,
        notes=decision.notes,
    )


# A driver binds free devices whose override names it when it registers.
def _when_loaded(decision: Decision) -> Binding:
    now = decision.device.binding
    names = (decision.choice.name, decision.choice.sure_driver)
    if decision.must_load and now.driver is None and now.override in names:
        return Binding(now.override, now.override)
    return now


def _owned_and_persistent(host: Host, outcome: Outcome, options: Options) -> Outcome:
    device = read_device(host, outcome.device.bus, outcome.device.name)
    given: tuple[OwnedNode, ...] = ()
    if options.owner is not None:
        given = node_owner.set_owner(host, device, options.owner, options.timeout_s)
    persisted = None
    if options.is_persistent:
        persisted = _persisted(host, device, outcome.driver or "", options.owner)
    return dataclasses.replace(outcome, given=given, persisted=persisted)


def _persisted(
    host: Host, device: Device, driver: str, owner: Grant | None
) -> Persisted:
    module = modules.module_of_driver(host, device.bus, driver)
    module = module or driver.replace("-", "_")
    has_owner = owner is not None
    record = persist.require_possible(host, device, driver, module, has_owner=has_owner)
    if record is None:
        return persist.already_persistent(device, driver)
    uid, gid = owner or (None, None)
    return persist.persist(host, dataclasses.replace(record, uid=uid, gid=gid))


# The module is not loaded yet: its driver may have another name than planned.
def _planned(host: Host, aliases: Aliases, device: Device, options: Options) -> Outcome:
    outcome = _bind(host, aliases, device, options)
    notes = outcome.notes
    if options.owner is not None:
        uid, gid = (one if one is not None else "unchanged" for one in options.owner)
        notes += (f"its nodes would get the owner uid {uid}, gid {gid}",)
    if options.is_persistent:
        driver = outcome.driver or (outcome.choice.name if outcome.choice else "")
        module, has_owner = driver.replace("-", "_"), options.owner is not None
        record = persist.require_possible(
            host, device, driver, module, has_owner=has_owner
        )
        by = record.mechanism if record else "driverctl"
        notes += (f"it would be bound at every boot by {by}",)
    return dataclasses.replace(outcome, notes=notes)


def _undo_for(
    host: Host, outcome: Outcome, options: Options, problem: BaseException
) -> None:
    if not outcome.changed:
        return
    with host.uninterrupted():
        try:
            restore.undo(host, outcome, options)
        except ResolverError as further:
            raise NotUndoneError(
                str(problem), problems=(str(further),), hint=further.hint
            ) from problem
    if isinstance(problem, ResolverError):
        problem.message += "; the device is rolled back"
