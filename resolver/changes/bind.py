"""Bind devices to VFIO drivers, and take them off.

Each function does one device, all or nothing, and returns what came of it. While it
works, no other run of resolver touches the device or its IOMMU group.
"""

from __future__ import annotations

from resolver.changes import checks, journal
from resolver.changes.denylist import require_not_denied
from resolver.changes.load_module import load_driver, require_permitted
from resolver.changes.outcome import Outcome
from resolver.changes.plan import Step, plan_bind, plan_move
from resolver.changes.undertaking import alone, record_step, transact
from resolver.device import Binding, Device, check_name
from resolver.errors import NotFoundError, UsageError
from resolver.inspect.devices import find_driver, has_vfio_device, read_binding
from resolver.linux import Host
from resolver.matching import modalias
from resolver.matching.alias_index import Aliases
from resolver.matching.select import Choice, choose
from resolver.options import Terms

__all__ = ["bind", "choose_for", "unbind"]


_USUAL = Terms()
_NO_VFIO = "{} registered no VFIO device: it is a driver for the host"


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
    terms: Terms = _USUAL,
) -> Outcome:
    """Bind a device to its best VFIO driver, or to the one asked for.

    :param request: name of a driver or module; ``None``: choose the best.
    :raises ResolverError: it is not bound; the class says whose fault it is and
        whether the device is as it was.
    """
    with alone(host, device, terms) as device:
        choice = choose_for(aliases, device, request)
        checks.require_iommu(host, device)
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
            checks.require_writable(host, device)
            driver = load_driver(host, device.bus, choice.name, bound, terms.timeout_s)
        return _bind_to(host, device, choice, driver, loads, terms)


def unbind(host: Host, device: Device, *, terms: Terms = _USUAL) -> Outcome:
    """Take a device from its driver and leave it without one.

    ``driver_override`` is as it was found: what ``bind`` wrote to it is taken back.

    :raises ResolverError: it is not unbound, as with ``bind``.
    """
    with alone(host, device, terms) as device:
        record = journal.usable(host, device)
        before = device.binding
        override = record.override if record is not None else before.override
        target = Binding(driver=None, override=override)
        steps = plan_move(device.bus, device.name, before, target)
        records: tuple[Step, ...] = ()
        if steps:
            checks.require_unused(host, device, terms)
            records = record_step(host, device)
            if not terms.is_dry_run:
                record = transact(host, device, steps, before, target, terms)
        return Outcome(
            device=device,
            driver=None,
            changed=bool(steps),
            steps=records + steps,
            undo=plan_move(device.bus, device.name, target, before),
            remembered=record,
        )


def _require_takeable(host: Host, device: Device, choice: Choice, terms: Terms) -> None:
    checks.require_unused(host, device, terms)
    # Whoever names a driver may want one that leaves the group to the host.
    if choice.source != "user" or "vfio" in choice.name:
        checks.require_group(host, device, terms)


def _bind_to(
    host: Host,
    device: Device,
    choice: Choice,
    driver: str,
    loads: tuple[Step, ...],
    terms: Terms,
) -> Outcome:
    before = device.binding
    now = before
    if loads:
        # A driver that registers takes the devices that are kept for it already.
        now = read_binding(host, device, terms.timeout_s)
    plan = plan_bind(device.bus, device.name, now, driver)
    if not plan.steps and now == before:
        return Outcome(device=device, driver=driver, changed=False, choice=choice)
    require_not_denied(host, device, driver)
    target = Binding(driver, driver if plan.steps else now.override)
    # Whoever names a driver may have reasons to name one without VFIO.
    needs_vfio = choice.source != "user"
    records = record_step(host, device)
    found = transact(
        host, device, plan.steps, before, target, terms, needs_vfio=needs_vfio
    )
    return Outcome(
        device=device,
        driver=driver,
        changed=True,
        choice=choice,
        steps=loads + records + plan.steps,
        undo=plan.undo,
        notes=()
        if needs_vfio or has_vfio_device(host, device)
        else (_NO_VFIO.format(driver),),
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
    steps = loads + (record_step(host, device) if plan.steps else ()) + plan.steps
    return Outcome(
        device=device,
        driver=driver,
        changed=bool(plan.steps),
        choice=choice,
        steps=steps,
        undo=plan.undo,
    )
