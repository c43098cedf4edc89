"""Decide what ``bind`` does with a device. Only reads.

One decision serves all: ``bind`` carries it out, a dry run and ``explain`` show it. So
they cannot contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from resolver.changes import checks
from resolver.device import Device, check_name
from resolver.errors import NotFoundError, RefusedError, ResolverError, UsageError
from resolver.inspect import iommu, modules
from resolver.inspect.devices import find_driver
from resolver.inspect.module_loading import find_prohibition
from resolver.inspect.module_policy import Prohibition
from resolver.linux import Host
from resolver.matching import modalias
from resolver.matching.alias_index import Aliases
from resolver.matching.driver_state import driver_state
from resolver.matching.select import Choice, choose
from resolver.options import Options

__all__ = [
    "Decision",
    "ModuleState",
    "ask_modprobe",
    "choose_for",
    "decide",
    "module_state",
]

ModuleState = Literal["loaded", "built in", "not loaded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What ``bind`` does with a device, and the reasons."""

    device: Device
    choice: Choice
    driver: str | None
    """Name of the driver; ``None``: unknown until its module is loaded."""
    is_kept: bool
    """The device stays with the VFIO driver of its vendor."""
    module_state: ModuleState
    prohibition: Prohibition | None
    """What keeps the module from being loaded, or loads something else."""
    errors: tuple[RefusedError | NotFoundError, ...]
    """Reasons not to bind, the one that ``bind`` reports first."""
    notes: tuple[str, ...]
    """Remarks for the user."""

    @property
    def must_load(self) -> bool:
        """Whether the module must be loaded first."""
        return self.driver is None

    @property
    def refusal(self) -> RefusedError | None:
        """The first refusal."""
        found = (one for one in self.errors if isinstance(one, RefusedError))
        return next(found, None)

    def require(self) -> None:
        """Raise the first error, if there is one."""
        for error in self.errors:
            raise error


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
        reason = f"bus {device.bus!r} has no modaliases"
        if device.bus == "pci":
            reason = "neither its modalias nor its ids can be read"
        raise NotFoundError(
            f"cannot choose a driver: {reason}", hint="pass --driver NAME"
        )
    try:
        parsed = modalias.parse(device.modalias)
    except UsageError as problem:
        raise NotFoundError(
            f"cannot choose a driver: {problem.message}",
            hint="pass --driver NAME",
        ) from problem
    return choose(parsed, aliases)


def decide(host: Host, aliases: Aliases, device: Device, options: Options) -> Decision:
    """Return what ``bind`` does with a device.

    :raises ResolverError: no driver can be chosen.
    """
    choice = choose_for(aliases, device, options.driver_for(device.name))
    bound = device.binding.driver
    if _is_kept(host, device, choice, options):
        note = f"{bound} is the VFIO driver of its vendor: pass --driver to change it"
        return Decision(
            device=device,
            choice=choice,
            driver=bound,
            is_kept=True,
            module_state="loaded",
            prohibition=None,
            errors=(),
            notes=(note,),
        )
    driver, missing = _registered(host, device, choice)
    state = module_state(host, choice)
    prohibition = None
    if driver is None and state == "not loaded":
        prohibition = find_prohibition(host, choice.module)
    refusals = _refusals(host, aliases, device, choice, driver, prohibition, options)
    return Decision(
        device=device,
        choice=choice,
        driver=driver,
        is_kept=False,
        module_state=state,
        prohibition=prohibition,
        errors=(*missing, *refusals),
        notes=(
            *(one.message for one in missing),
            *_notes(host, device, driver, prohibition),
        ),
    )


def ask_modprobe(
    host: Host, aliases: Aliases, devices: Iterable[Device], options: Options
) -> None:
    """Ask modprobe once for each module of several devices.

    Processes that bind them in parallel inherit the answers.
    """
    wanted = set()
    for device in devices:
        with suppress(ResolverError):
            choice = choose_for(aliases, device, options.driver_for(device.name))
            wanted.add(choice.module)
    for module in sorted(wanted):
        if not modules.is_loaded(host, module):
            find_prohibition(host, module)


def module_state(host: Host, choice: Choice) -> ModuleState:
    """Return whether the chosen module is in the kernel."""
    told = choice.source in ("modules.builtin", "modules.builtin.modinfo")
    if told or modules.is_builtin(host, choice.module):
        return "built in"
    return "loaded" if modules.is_loaded(host, choice.module) else "not loaded"


# A driver that registered a VFIO device without any alias for it, such as nvidia for
# vGPUs, and mediated devices.
def _is_kept(host: Host, device: Device, choice: Choice, options: Options) -> bool:
    if choice.source == "user" or options.is_forced or device.binding.driver is None:
        return False
    module = modules.module_of_driver(host, device.bus, device.binding.driver)
    is_on_vfio = iommu.is_on_vfio(host, device)
    state = driver_state(device, module, choice, is_on_vfio=is_on_vfio)
    return state == "vfio, by the vendor's driver"


def _registered(
    host: Host, device: Device, choice: Choice
) -> tuple[str | None, tuple[NotFoundError, ...]]:
    try:
        bound = device.binding.driver
        return find_driver(host, device.bus, choice.name, bound), ()
    except NotFoundError as problem:
        return None, (problem,)


def _refusals(
    host: Host,
    aliases: Aliases,
    device: Device,
    choice: Choice,
    driver: str | None,
    prohibition: Prohibition | None,
    options: Options,
) -> Iterator[RefusedError]:
    yield from _refused(checks.require_iommu, host, device)
    if driver is None:
        yield from _refused(checks.require_permitted, choice.module, prohibition)
    if driver is None or driver != device.binding.driver:
        yield from _refused(checks.require_unused, host, device, options)
        # A driver without VFIO may be meant to leave the group to the host.
        if choice.source != "user" or "vfio" in choice.name:
            yield from _refused(checks.require_group, host, device, options)
        yield from _refused(checks.require_aliases, aliases, device, choice)
        name = driver or choice.sure_driver or choice.name
        yield from _refused(checks.require_not_denied, host, device, name)


def _refused(check: Callable[..., None], *arguments: object) -> Iterator[RefusedError]:
    try:
        check(*arguments)
    except RefusedError as refusal:
        yield refusal


def _notes(
    host: Host, device: Device, driver: str | None, prohibition: Prohibition | None
) -> Iterator[str]:
    if prohibition is not None and not prohibition.is_certain:
        yield f"modprobe runs a program: {prohibition.where}: {prohibition.text}"
    if driver is not None and driver == device.binding.driver:
        return
    word = iommu.groups_are_split(host)
    if word:
        yield f"{word} splits IOMMU groups: the hardware does not isolate them"
    staying = iommu.slot_mates(host, device)
    if staying:
        yield f"other functions of its slot stay on the host: {', '.join(staying)}"
