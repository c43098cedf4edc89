"""The JSON documents; ``docs/json.md`` describes their members."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from resolver.changes.outcome import Outcome
from resolver.changes.plan import Step
from resolver.device import Device
from resolver.errors import BlockedError, NotUndoneError, ResolverError
from resolver.explanation import Explanation
from resolver.inspect.visibility import Unseen
from resolver.linux import Host
from resolver.matching.alias_files import AliasEntry
from resolver.matching.driver_state import DriverState
from resolver.matching.migration import Migration
from resolver.matching.select import Choice
from resolver.persistence.persist import Persisted
from resolver.status import Status

__all__ = [
    "SCHEMA",
    "device_document",
    "device_object",
    "document",
    "error_object",
    "explanation_object",
    "outcome_object",
    "status_object",
    "unpersisted_object",
]

SCHEMA: Final = "resolver/1"
"""Changes only if a member changes its meaning or is removed."""

Object = dict[str, Any]

_NO_ERROR: Final[Object] = {
    "error": None,
    "hint": None,
    "rule": None,
    "undone": None,
    "problems": [],
    "blocked": None,
    "exit_code": 0,
}


def document(command: str, **members: object) -> Object:
    """Return the document of a command."""
    return {"schema": SCHEMA, "command": command, **members}


def device_document(
    command: str, unseen: Iterable[Unseen], objects: list[Object], **members: object
) -> Object:
    """Return the document of a command about devices.

    :param unseen: parts of the host that are not visible.
    """
    hidden = [one._asdict() for one in unseen]
    return document(command, **members, unseen=hidden, devices=objects)


def device_object(
    device: Device,
    choice: Choice | None,
    best_driver: str | None,
    state: DriverState,
    migration: Migration,
) -> Object:
    """Describe a device, its driver, and its best VFIO driver."""
    return {
        "device": device.name,
        "bus": device.bus,
        "id": device.vendor_device,
        "class": device.device_class,
        "driver": device.binding.driver,
        "driver_override": device.binding.override,
        "iommu_group": device.iommu_group,
        "interfaces": list(device.interfaces),
        "vfio_device": device.vfio_device,
        "state": state,
        "migration": migration,
        "best_driver": best_driver,
        "best_module": choice.module if choice else None,
        "alias": choice.alias if choice else None,
        "source": choice.source if choice else None,
    }


def explanation_object(text: str, found: Explanation) -> Object:
    """Describe the driver that a device would get, and why.

    :param text: the device as the user wrote it.
    """
    device, choice = found.device, found.choice
    previous = device.binding.driver if device else None
    return {
        **_chosen(device.name if device else text, device, found.driver, choice),
        "previous_driver": previous,
        "changed": found.driver is None or found.driver != previous,
        "modalias": choice.modalias,
        "wildcards": choice.candidates[0].wildcards if choice.candidates else None,
        "ambiguous": choice.is_ambiguous,
        "module_state": found.module_state,
        "migration": found.migration,
        "prohibited": found.prohibition.where if found.prohibition else None,
        "rule": found.refusal.rule if found.refusal else None,
        "candidates": [
            {**_entry(c.entry), "wildcards": c.wildcards, "reason": c.reason}
            for c in choice.candidates
        ],
        "notes": list(found.notes),
        "warnings": [warning._asdict() for warning in found.warnings],
        "error": None,
        "exit_code": 0,
    }


def outcome_object(host: Host, outcome: Outcome) -> Object:
    """Describe the changes made to a device, or planned."""
    device = outcome.device
    return {
        **_chosen(device.name, device, outcome.driver, outcome.choice),
        "previous_driver": device.binding.driver,
        "changed": outcome.changed,
        "steps": [_step(host, step) for step in outcome.steps],
        "undo": [_step(host, step) for step in outcome.undo],
        "notes": list(outcome.notes),
        **_NO_ERROR,
        **_provided(outcome),
    }


def error_object(
    text: str,
    device: Device | None,
    error: ResolverError,
    *,
    choice: Choice | None = None,
    driver: str | None = None,
) -> Object:
    """Describe the error of a device.

    :param text: the device as the user wrote it.
    :param choice: the chosen driver.
    :param driver: the current driver.
    """
    is_undone = not isinstance(error, NotUndoneError)
    return {
        **_chosen(device.name if device else text, device, driver, choice),
        "previous_driver": device.binding.driver if device else None,
        "changed": not is_undone,
        "steps": [],
        "undo": [],
        "notes": [],
        "error": error.message,
        "hint": error.hint or None,
        "rule": error.rule or None,
        "undone": is_undone,
        "problems": list(error.problems) if isinstance(error, NotUndoneError) else [],
        "blocked": _blocked(error),
        "exit_code": error.exit_code,
    }


def status_object(found: Status) -> Object:
    """Describe a recorded device and its current state."""
    record, now = found.record, found.now
    return {
        "device": found.name,
        "state": found.state,
        "bus": record.bus if record else None,
        "id": record.vendor_device if record else None,
        "previous_driver": record.driver if record else None,
        "previous_override": record.override if record else None,
        "wanted_driver": record.wanted if record else None,
        "driver": now.driver if now else None,
        "driver_override": now.override if now else None,
        "held_by": found.held_by,
        "error": found.problem or None,
        "record": found.path,
    }


def unpersisted_object(
    name: str, done: Persisted | None, error: ResolverError | None
) -> Object:
    """Describe how persistence ended, or why not."""
    return {
        "device": name,
        "mechanism": done.mechanism if done else None,
        "files": list(done.files) if done else [],
        "notes": list(done.notes) if done else [],
        "error": error.message if error else None,
        "hint": (error.hint or None) if error else None,
        "rule": (error.rule or None) if error else None,
        "exit_code": error.exit_code if error else 0,
    }


# Present only with --persist, --uid or --gid.
def _provided(outcome: Outcome) -> Object:
    done = outcome.persisted
    if done is None and not outcome.given:
        return {}
    nodes = [
        {
            "path": one.path,
            "uid": one.after.uid,
            "gid": one.after.gid,
            "mode": f"{one.after.mode:04o}",
        }
        for one in outcome.given
    ]
    persistent = (
        {"mechanism": done.mechanism, "files": list(done.files)} if done else None
    )
    return {"nodes": nodes, "persistent": persistent}


def _blocked(error: ResolverError) -> Object | None:
    if not isinstance(error, BlockedError):
        return None
    return {"pid": error.pid, "state": error.state, "place": error.place or None}


def _chosen(
    name: str, device: Device | None, driver: str | None, choice: Choice | None
) -> Object:
    return {
        "device": name,
        "bus": device.bus if device else None,
        "id": device.vendor_device if device else None,
        "driver": driver,
        "module": choice.module if choice else None,
        "alias": choice.alias if choice else None,
        "source": choice.source if choice else None,
        "iommu_group": device.iommu_group if device else None,
    }


def _entry(entry: AliasEntry) -> Object:
    return {
        "module": entry.module,
        "alias": entry.pattern,
        "source": entry.source,
        "line": entry.line or None,
    }


def _step(host: Host, step: Step) -> Object:
    if step.action == "load":
        return {"action": "load", "module": step.text}
    if step.action == "record":
        return {"action": "record", "path": step.path}
    path = step.path if step.action == "lock" else f"{host.sys}/{step.path}"
    return {"action": step.action, "path": path, "text": step.text}
