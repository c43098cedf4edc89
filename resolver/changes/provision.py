"""Binds a device, hands its nodes over, makes it persistent: all of it, or nothing."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from resolver.changes import bind, node_owner, restore
from resolver.changes.load_module import load_driver
from resolver.changes.node_owner import Given, Grant
from resolver.changes.outcome import Outcome
from resolver.changes.undertaking import lock_names
from resolver.device import Device
from resolver.errors import NotFoundError, NotUndoneError, ResolverError
from resolver.inspect import devices, modules
from resolver.linux import Host
from resolver.matching.alias_index import Aliases
from resolver.options import Terms
from resolver.persistence import persist, records
from resolver.persistence.persist import Persisted
from resolver.persistence.records import PersistentRecord

__all__ = ["Wishes", "at_boot", "has_written", "provide", "take_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What shall be done with a device."""

    request: str | None = None
    """Name of a driver or module; ``None``: the best."""
    grant: Grant | None = None
    """Who gets its nodes; ``None``: root keeps them."""
    is_persistent: bool = False
    """It is bound so at every boot."""


_USUAL = Terms()


def provide(
    host: Host, aliases: Aliases, device: Device, wishes: Wishes, terms: Terms = _USUAL
) -> Outcome:
    """Bind a device and do the rest of what is wished.

    :raises ResolverError: something of it failed; the class says whose fault it is
        and whether all is as it was.
    """
    if wishes.grant is None and not wishes.is_persistent:
        return bind.bind(host, aliases, device, request=wishes.request, terms=terms)
    if terms.is_dry_run:
        return _foreseen(host, aliases, device, wishes, terms)
    with host.locked(lock_names(device), terms.timeout_s):
        if wishes.is_persistent:
            records.key_of(device)
        outcome = bind.bind(host, aliases, device, request=wishes.request, terms=terms)
        try:
            return _rest(host, outcome, wishes, terms)
        except BaseException as problem:
            _take_back_for(host, outcome, terms, problem)
            raise


def has_written(outcome: Outcome) -> bool:
    """Return whether there is anything to take back."""
    files = outcome.persisted.files if outcome.persisted else ()
    return bool(outcome.changed or outcome.given or files)


def take_back(host: Host, outcome: Outcome, terms: Terms) -> None:
    """Bring a device back to where it was, and make it as persistent as it was.

    :raises ResolverError: something is not brought back.
    """
    if outcome.persisted is not None:
        persist.revert(host, outcome.persisted)
    if outcome.changed:
        restore.take_back(host, outcome, terms)
    else:
        node_owner.require_put_back(outcome.given)


def at_boot(
    host: Host, aliases: Aliases, record: PersistentRecord, terms: Terms = _USUAL
) -> Outcome:
    """Bind a device as it was made persistent.

    :raises NotFoundError: there is no such device, or no such driver.
    :raises RefusedError: another device is at its address now.
    :raises ResolverError: it is not bound, as with ``bind``.
    """
    device = devices.read_device(host, record.bus, record.device)
    records.require_same(host, record, device)
    if not terms.is_dry_run and not devices.has_driver(host, record.bus, record.driver):
        load_driver(host, record.bus, record.module, record.driver, terms.timeout_s)
        if not devices.has_driver(host, record.bus, record.driver):
            raise NotFoundError(
                f"module {record.module} does not bring driver {record.driver}",
                hint=f"resolver unpersist {record.device}",
            )
    grant = Grant(record.uid, record.gid)
    wishes = Wishes(
        request=record.driver, grant=None if grant == (None, None) else grant
    )
    return provide(host, aliases, device, wishes, terms)


def _rest(host: Host, outcome: Outcome, wishes: Wishes, terms: Terms) -> Outcome:
    device = devices.read_device(host, outcome.device.bus, outcome.device.name)
    given: tuple[Given, ...] = ()
    if wishes.grant is not None:
        given = node_owner.hand_over(host, device, wishes.grant, terms.timeout_s)
    done = None
    if wishes.is_persistent:
        done = _persisted(host, device, outcome, wishes.grant)
    return dataclasses.replace(outcome, given=given, persisted=done)


def _persisted(
    host: Host, device: Device, outcome: Outcome, grant: Grant | None
) -> Persisted:
    driver = outcome.driver or ""
    module = modules.module_of_driver(host, device.bus, driver)
    record = persist.require_possible(
        host,
        device,
        driver,
        module or driver.replace("-", "_"),
        has_owner=grant is not None,
    )
    if record is None:
        return persist.told_already(device, driver)
    uid, gid = grant or (None, None)
    return persist.persist(host, dataclasses.replace(record, uid=uid, gid=gid))


# A driver whose module is not loaded may have another name than is foreseen.
def _foreseen(
    host: Host, aliases: Aliases, device: Device, wishes: Wishes, terms: Terms
) -> Outcome:
    outcome = bind.bind(host, aliases, device, request=wishes.request, terms=terms)
    notes = outcome.notes
    if wishes.grant is not None:
        uid, gid = (one if one is not None else "as it is" for one in wishes.grant)
        notes += (f"its nodes would be given away: uid {uid}, gid {gid}",)
    if wishes.is_persistent:
        driver = outcome.driver or (outcome.choice.name if outcome.choice else "")
        record = persist.require_possible(
            host,
            device,
            driver,
            driver.replace("-", "_"),
            has_owner=wishes.grant is not None,
        )
        by = record.mechanism if record else "driverctl"
        notes += (f"it would be bound so at every boot, by {by}",)
    return dataclasses.replace(outcome, notes=notes)


def _take_back_for(
    host: Host, outcome: Outcome, terms: Terms, problem: BaseException
) -> None:
    if not outcome.changed:
        return
    with host.uninterrupted():
        try:
            restore.take_back(host, outcome, terms)
        except ResolverError as further:
            raise NotUndoneError(
                str(problem), problems=(str(further),), hint=further.hint
            ) from problem
    if isinstance(problem, ResolverError):
        problem.message += "; the device is bound as it was before"
