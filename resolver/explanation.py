"""Explain which driver a device would get. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resolver.changes import checks
from resolver.changes.bind import choose_for
from resolver.device import Device
from resolver.errors import NotFoundError, RefusedError
from resolver.inspect import devices, modules
from resolver.inspect.module_policy import Prohibition
from resolver.linux import Host
from resolver.matching.alias_files import FileWarning
from resolver.matching.alias_index import Aliases
from resolver.matching.modalias import Modalias
from resolver.matching.select import Choice, choose
from resolver.options import Options

__all__ = ["Explanation", "ModuleState", "explain", "explain_modalias"]

_DEFAULTS = Options()

ModuleState = Literal["loaded", "built in", "not loaded"]


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
    choice = choose_for(aliases, device)
    return _explained(host, aliases, choice, device.bus, device)


def explain_modalias(host: Host, aliases: Aliases, modalias: Modalias) -> Explanation:
    """Return which VFIO driver a device with this modalias would get, and why.

    :raises NotFoundError: no VFIO driver is known for it.
    """
    return _explained(host, aliases, choose(modalias, aliases), modalias.bus, None)


def _explained(
    host: Host, aliases: Aliases, choice: Choice, bus: str, device: Device | None
) -> Explanation:
    bound = device.binding.driver if device else None
    notes = choice.notes
    try:
        driver = devices.find_driver(host, bus, choice.name, bound)
    except NotFoundError as problem:
        driver = None
        notes += (problem.message,)
    state = _module_state(host, choice)
    return Explanation(
        device=device,
        choice=choice,
        driver=driver or choice.sure_driver,
        module_state=state,
        prohibition=(
            modules.find_prohibition(host, choice.module)
            if state == "not loaded"
            else None
        ),
        refusal=_refusal(host, device, driver) if device else None,
        warnings=aliases.warnings,
        notes=notes,
    )


def _module_state(host: Host, choice: Choice) -> ModuleState:
    is_listed = choice.source in ("modules.builtin", "modules.builtin.modinfo")
    if is_listed or modules.is_builtin(host, choice.module):
        return "built in"
    return "loaded" if modules.is_loaded(host, choice.module) else "not loaded"


def _refusal(host: Host, device: Device, driver: str | None) -> RefusedError | None:
    try:
        checks.require_iommu(host, device)
        if driver is None or driver != device.binding.driver:
            checks.require_unused(host, device, _DEFAULTS)
            checks.require_group(host, device, _DEFAULTS)
    except RefusedError as problem:
        return problem
    return None
