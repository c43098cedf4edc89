"""Plan the writes that bind a device, and those that undo it.

Pure: from the current and the target binding to a list of steps. The override is
written before the unbind, so that a refused write leaves the driver bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resolver.device import Binding

__all__ = ["Plan", "Step", "plan_bind", "plan_move"]

Action = Literal["load", "record", "override", "lock", "unbind", "probe", "bind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a change."""

    action: Action
    """``load`` and ``record`` come first; they do not write to sysfs."""
    path: str = ""
    """File to write, relative to sysfs; absolute for ``record`` and ``lock``."""
    text: str = ""
    """Text to write; for ``load`` the module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps of a change, and those that undo it."""

    steps: tuple[Step, ...]
    """In order; empty: the device is bound already."""
    undo: tuple[Step, ...] = ()
    """In order, after all steps are done."""


def plan_bind(bus: str, name: str, now: Binding, driver: str) -> Plan:
    """Return how to bind a device to a driver.

    A device that is bound to it needs no step, if its override is unset or the same.

    :param name: name of the device on its bus.
    :param driver: name of the directory of a registered driver.

    Source: Documentation/ABI/testing/sysfs-bus-pci, ``driver_override``.
    """
    if now.driver == driver and now.override in (driver, None):
        return Plan(steps=())
    steps = [_override(bus, name, driver)]
    if now.driver != driver:
        if now.driver is not None:
            steps.append(_unbind(bus, name, now.driver))
        steps.append(Step(action="probe", path=f"bus/{bus}/drivers_probe", text=name))
    there = Binding(driver=driver, override=driver)
    return Plan(steps=tuple(steps), undo=plan_move(bus, name, there, now))


def plan_move(bus: str, name: str, now: Binding, target: Binding) -> tuple[Step, ...]:
    """Return how to move a device to another binding.

    During the bind the override names the driver, whatever its target is: a driver
    does not bind a device with another override, nor one that it matches only by an
    override or a removed ``new_id``. The target override is written last. That write
    does not unbind.

    :param target: driver and override after the steps.

    Source: Linux, drivers/pci/pci-driver.c, pci_match_device().
    """
    steps = []
    driver = target.driver
    moves = now.driver != driver
    first = driver if moves and driver is not None else target.override
    if now.override != first:
        steps.append(_override(bus, name, first))
    if moves and now.driver is not None:
        steps.append(_unbind(bus, name, now.driver))
    if moves and driver is not None:
        path = f"bus/{bus}/drivers/{driver}/bind"
        steps.append(Step(action="bind", path=path, text=name))
    if first != target.override:
        steps.append(_override(bus, name, target.override))
    return tuple(steps)


# A newline clears the override; an empty write does nothing.
def _override(bus: str, name: str, override: str | None) -> Step:
    path = f"bus/{bus}/devices/{name}/driver_override"
    return Step(action="override", path=path, text=f"{override or ''}\n")


def _unbind(bus: str, name: str, driver: str) -> Step:
    path = f"bus/{bus}/drivers/{driver}/unbind"
    return Step(action="unbind", path=path, text=name)
