"""What to write, in which order, to bind a device and to take it back.

Pure: from where a device is and where it shall be to a list of steps. The order
never leaves a device that could not be put back: the override is written before
the device is taken from its driver, so that a write that fails costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resolver.device import Binding

__all__ = ["Plan", "Step", "plan_bind", "plan_move"]

Action = Literal["load", "record", "override", "lock", "unbind", "probe", "bind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do."""

    action: Action
    """``load`` and ``record`` come first and are no sysfs writes."""
    path: str = ""
    """File to write, below the root of sysfs; of ``record`` and ``lock`` the whole
    path."""
    text: str = ""
    """What to write; of ``load`` the module."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All steps, and how a failure after any of them is taken back."""

    steps: tuple[Step, ...]
    """In order; none: the device is where it shall be."""
    undo: tuple[Step, ...] = ()
    """In order, for the case that all steps were done."""


def plan_bind(bus: str, name: str, now: Binding, driver: str) -> Plan:
    """Return how to bind a device to a driver.

    A device that is bound to it, and kept for it or for none, is left alone.

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
    """Return how to bring a device to where it was.

    The device is kept for the driver while it is bound, whatever the override
    shall be in the end: a driver takes no device that is kept for another one,
    nor one that only an override or a ``new_id`` since removed made its own.
    The override proper is written last, which unbinds nothing.

    :param target: driver and override that the device shall have.

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


# A lone newline clears the override; writing nothing at all would do nothing.
def _override(bus: str, name: str, override: str | None) -> Step:
    path = f"bus/{bus}/devices/{name}/driver_override"
    return Step(action="override", path=path, text=f"{override or ''}\n")


def _unbind(bus: str, name: str, driver: str) -> Step:
    path = f"bus/{bus}/drivers/{driver}/unbind"
    return Step(action="unbind", path=path, text=name)
