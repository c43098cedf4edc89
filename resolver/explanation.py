"""Explain which driver a device would get. Only reads."""

from __future__ import annotations

from dataclasses import dataclass

from resolver.changes.decision import ModuleState, decide, module_state
from resolver.device import Device
from resolver.errors import NotFoundError, RefusedError
from resolver.inspect.devices import find_driver
from resolver.inspect.migration import migration_state
from resolver.inspect.module_loading import find_prohibition
from resolver.inspect.module_policy import Prohibition
from resolver.inspect.modules import module_of_driver
from resolver.linux import Host
from resolver.matching.alias_files import FileWarning
from resolver.matching.alias_index import Aliases
from resolver.matching.migration import Migration
from resolver.matching.modalias import Modalias
from resolver.matching.select import Choice, choose
from resolver.options import Options

__all__ = ["Explanation", "ModuleState", "explain", "explain_modalias"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The driver that ``bind`` would choose, and the reasons."""

    device: Device | None
    """``None``: only a modalias was given."""
    choice: Choice
    driver: str | None
    """Name of the driver; ``None``: unknown until its module is loaded."""
    module_state: ModuleState
    prohibition: Prohibition | None
    """Line of modprobe.d that prohibits the module."""
    migration: Migration | None
    """Whether a guest that has the device can be migrated; ``None``: no device."""
    refusal: RefusedError | None
    """Refusal of ``bind``."""
    warnings: tuple[FileWarning, ...]
    """Malformed lines of alias files."""
    notes: tuple[str, ...] = ()
    """Remarks for the user."""


def explain(host: Host, aliases: Aliases, device: Device) -> Explanation:
    """Return which VFIO driver a device would get, and why.

    :raises NotFoundError: no VFIO driver is known for the device.
    """
    decision = decide(host, aliases, device, Options())
    driver = device.binding.driver
    module = module_of_driver(host, device.bus, driver) if driver else None
    return Explanation(
        device=device,
        choice=decision.choice,
        driver=decision.driver or decision.choice.sure_driver,
        module_state=decision.module_state,
        prohibition=decision.prohibition,
        migration=migration_state(host, device, module, decision.choice),
        refusal=decision.refusal,
        warnings=aliases.warnings,
        notes=decision.choice.notes + decision.notes,
    )


def explain_modalias(host: Host, aliases: Aliases, modalias: Modalias) -> Explanation:
    """Return which VFIO driver a device with this modalias would get, and why.

    :raises NotFoundError: no VFIO driver is known for it.
    """
    choice = choose(modalias, aliases)
    notes, driver = choice.notes, None
    try:
        driver = find_driver(host, modalias.bus, choice.name, None)
    except NotFoundError as problem:
        notes += (problem.message,)
    state = module_state(host, choice)
    prohibition = None
    if state == "not loaded":
        prohibition = find_prohibition(host, choice.module)
    return Explanation(
        device=None,
        choice=choice,
        driver=driver or choice.sure_driver,
        module_state=state,
        prohibition=prohibition,
        migration=None,
        refusal=None,
        warnings=aliases.warnings,
        notes=notes,
    )
