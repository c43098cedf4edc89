"""Bind one device to a VFIO driver, or unbind it: all of it, or nothing."""

from __future__ import annotations

import dataclasses

from resolver.changes import checks, journal, node_owner, restore
from resolver.changes.load_module import load_driver, require_permitted
from resolver.changes.node_owner import Given
from resolver.changes.outcome import Outcome
from resolver.changes.plan import Step, plan_bind, plan_move
from resolver.changes.transaction import change, lock_names, locked
from resolver.device import Binding, Device, check_name
from resolver.errors import NotFoundError, NotUndoneError, ResolverError, UsageError
from resolver.inspect import modules
from resolver.inspect.devices import (
    find_driver,
    has_vfio_device,
    read_binding,
    read_device,
)
from resolver.linux import Host
from resolver.matching import modalias
from resolver.matching.alias_index import Aliases
from resolver.matching.select import Choice, choose
from resolver.options import Grant, Options
from resolver.persistence import persist, records
from resolver.persistence.persist import Persisted
from resolver.suggest import did_you_mean

__all__ = ["bind", "choose_for", "unbind"]

_DEFAULTS = Options()
_NO_VFIO = "{} registered no VFIO device: it is a host driver"


def choose_for(aliases: Aliases, device: Device, request: str | None = None) -> Choice:
    """Return the driver for a device: the one requested, or the best match.

    :param request: name of a driver or module, from ``--driver``.
    :raises UsageError: the name is invalid.
    :raises NotFoundError: no VFIO driver is known for the device.
    """
    if request is not None:
        return Choice(name=check_name(request, "driver"), source="user")
    if device.is_bridge:
        raise NotFoundError("device is a bridge, and VFIO binds no bridges")
    if device.modalias is None:
        raise NotFoundError(
            f"cannot choose a driver: bus {device.bus!r} has no modaliases",
            hint="pass --driver NAME",
        )
    try:
        parsed = modalias.parse(device.modalias)
    except UsageError as problem:
        raise NotFoundError(
            f"cannot choose a driver: {problem.message}",
            hint="pass --driver NAME",
        ) from problem
    return choose(parsed, aliases)


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
        choice = choose_for(aliases, device, options.driver_for(device.name))
        checks.require_iommu(host, device)
        bound = device.binding.driver
        driver = find_driver(host, device.bus, choice.name, bound)
        loads: tuple[Step, ...] = ()
        if driver is None:
            require_permitted(host, choice.module)
            loads = (Step(action="load", text=choice.module),)
        if driver is None or driver != bound:
            checks.require_unused(host, device, options)
            # A driver without VFIO may be meant to leave the group to the host.
            if choice.source != "user" or "vfio" in choice.name:
                checks.require_group(host, device, options)
        if options.is_dry_run:
            return _planned_binding(host, device, choice, driver, loads)
        if driver is None:
            checks.require_writable(host, device)
            driver = _load(host, aliases, device, choice, options.timeout_s)
        return _bind_to(host, device, choice, driver, loads, options)


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
    return (Step(action="record", path=journal.path_of(host, device.name)),)


def _planned_binding(
    host: Host,
    device: Device,
    choice: Choice,
    driver: str | None,
    loads: tuple[Step, ...],
) -> Outcome:
    driver = driver or choice.sure_driver
    name = driver or f"(the driver of {choice.module})"
    plan = plan_bind(device.bus, device.name, device.binding, name)
    recording = _record_step(host, device) if plan.steps else ()
    return Outcome(
        device=device,
        driver=driver,
        changed=bool(plan.steps),
        choice=choice,
        steps=loads + recording + plan.steps,
        undo=plan.undo,
    )


def _owned_and_persistent(host: Host, outcome: Outcome, options: Options) -> Outcome:
    device = read_device(host, outcome.device.bus, outcome.device.name)
    given: tuple[Given, ...] = ()
    if options.owner is not None:
        given = node_owner.hand_over(host, device, options.owner, options.timeout_s)
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
