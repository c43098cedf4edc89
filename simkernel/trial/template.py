"""Writes the scenario of a trial: a device for each alias, and what belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simkernel.errors import UsageError
from simkernel.kmod.pattern import matches
from simkernel.scenario.render import Template, TemplateParameter, parse, render
from simkernel.scenario.schema import DeviceEntry, Expected, ModuleEntry, Sriov
from simkernel.scenario.write import part, template_text
from simkernel.trial.alias import AliasIds, parse_alias, unclaimed_ids
from simkernel.trial.driver_module import DriverModule
from simkernel.trial.host_modules import Target, driver_module_entry, host_modules
from simkernel.trial.kernel_modules import KernelModules

__all__ = ["Trial", "file_parameter", "make_trial"]

_SLOTS: Final = 0x1F
_FIRST_BUS: Final = 0x20
_LAST_BUS: Final = 0xFE
_VFIO: Final = """\
{% import "_macros/vfio.yaml.j2" as vfio %}
kernel:
  release: {{ release }}
modules:
{{ vfio.stock(release=release) }}
"""
_COMMENT: Final = """\
Made by `simkernel try` from {files}.
  simkernel run ./THIS_FILE -- resolver devices
  simkernel run --via vm --set {parameter}=$PWD/{file} ./THIS_FILE \\
      -- resolver bind {device}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A scenario, and what is to be tried on it."""

    text: str
    """The template."""
    targets: tuple[Target, ...]
    left_out: tuple[tuple[DriverModule, str], ...]
    """Aliases of which no device can be told."""


def file_parameter(module: DriverModule) -> str:
    """Return the parameter of the template that names a module's own file."""
    return f"file_{module.name}"


def make_trial(
    given: Sequence[DriverModule],
    stock: KernelModules,
    release: str,
    *,
    physical: bool = False,
) -> Trial:
    """Return the trial of modules.

    :param stock: what the kernel's own modules announce.
    :param physical: devices are physical functions; otherwise they are virtual ones.
    :raises UsageError: none is a VFIO driver; two have one name, or one has the name
        of a module that is VFIO's own; or there are more aliases than places.
    """
    names = _stock_names(release)
    _require_sound(given, names)
    targets: list[Target] = []
    left_out: list[tuple[DriverModule, str]] = []
    entries = [entry for one in given for entry in _entries(one)]
    places = _places()
    for module, alias in _announced(given):
        entry = parse_alias(alias)
        if entry is None:
            left_out.append((module, alias))
            continue
        wanted = entry.wanted()
        if any(one.wanted == wanted and one.module == module for one in targets):
            continue
        slot = next(places, None)
        if slot is None:
            raise UsageError(f"{module.path} has more aliases than there are places")
        targets.append(
            Target(
                address=f"{slot}.{0 if physical else 1}",
                alias=alias,
                wanted=wanted,
                physical=None if physical else unclaimed_ids(wanted, entries),
                module=module,
            )
        )
    others = list(host_modules(targets, given, stock, names))
    text = _text(given, others, targets, release)
    return Trial(text=text, targets=tuple(targets), left_out=tuple(left_out))


def _announced(given: Sequence[DriverModule]) -> Iterator[tuple[DriverModule, str]]:
    """Yield the aliases that say something of PCI devices.

    VFIO's come before others, and those that fit what they seem to mean before those
    that do not: lower-case digits, for example, never fit.
    """
    for bus in ("vfio_pci", "pci"):
        for is_fit in (True, False):
            for module in given:
                for alias in module.aliases if module.is_vfio else ():
                    if alias.startswith(f"{bus}:") and _fits(alias, bus) is is_fit:
                        yield module, alias


def _fits(alias: str, bus: str) -> bool:
    entry = parse_alias(alias)
    return entry is not None and matches(alias, entry.wanted().modalias(bus))


def _entries(module: DriverModule) -> list[AliasIds]:
    found = [parse_alias(one) for one in module.aliases]
    return [one for one in found if one is not None]


def _stock_names(release: str) -> list[str]:
    parameters = {"release": TemplateParameter(default=release)}
    template = Template(Path("stock.yaml.j2"), "", parameters, _VFIO, 1)
    return [one.name for one in parse(render(template, {})).modules]


def _require_sound(given: Sequence[DriverModule], stock: Sequence[str]) -> None:
    seen: dict[str, Path] = {}
    for one in given:
        if one.name in stock:
            raise UsageError(
                f"{one.path}: {one.name} is VFIO's own, it is there anyway"
            )
        if one.name in seen:
            raise UsageError(f"{one.path} and {seen[one.name]} are the same module")
        seen[one.name] = one.path
    if not any(one.is_vfio for one in given):
        names = ", ".join(str(one.path) for one in given)
        raise UsageError(
            f"{names}: no VFIO driver for PCI: it has no alias vfio_pci:, and does not "
            "use vfio_pci_core"
        )


def _places() -> Iterator[str]:
    """Yield slots like ``0000:20:01``, all on root buses."""
    for bus in range(_FIRST_BUS, _LAST_BUS, 8):
        for slot in range(1, _SLOTS):
            yield f"0000:{bus:02x}:{slot:02x}"


def _device(target: Target) -> DeviceEntry:
    top = target.physical or target.wanted
    wanted = target.wanted
    sriov = Sriov(
        total_vfs=1,
        vf_device=f"{wanted.device:04x}",
        vf_subdevice=f"{wanted.subdevice:04x}",
        enabled=1,
    )
    return DeviceEntry(
        address=f"{target.address.rpartition('.')[0]}.0",
        id=f"{top.vendor:04x}:{top.device:04x}",
        subsystem=f"{top.subvendor:04x}:{top.subdevice:04x}",
        class_=f"{top.class_:06x}",
        reset_methods=("flr",),
        sriov=None if target.physical is None else sriov,
    )


def _text(
    given: Sequence[DriverModule],
    others: Sequence[ModuleEntry],
    targets: Sequence[Target],
    release: str,
) -> str:
    """Return the template."""
    loaded = [one.name for one in others if one.drivers and not one.builtin]
    loaded = [one for one in loaded if not _is_rival(others, one)]
    loaded += [one.name for one in given if not one.is_vfio]
    body = [_VFIO, part("", tuple(others))]
    for one in given:
        lines = part("", (driver_module_entry(one),)).splitlines(keepends=True)
        lines.insert(1, f"    file: {{{{ {file_parameter(one)} | tojson }}}}\n")
        body += lines
    body.append(part("loaded", tuple(loaded)))
    body.append(part("devices", tuple(map(_device, targets))))
    if targets and len(targets[0].module.drivers) == 1:
        first = targets[0]
        expected = Expected(
            device=first.address,
            driver=first.module.drivers[0],
            modules_loaded=(first.module.name,),
        )
        body.append(part("expected", expected))
    names = ", ".join(one.file_name for one in given)
    return template_text(
        f"What {names} says that it is for, and a device for each of its aliases.",
        _parameters(given, release),
        "".join(body),
        comment=_comment(given, targets),
    )


def _parameters(
    given: Sequence[DriverModule], release: str
) -> dict[str, TemplateParameter]:
    files = {
        file_parameter(one): f"path of {one.file_name}, for --via vm" for one in given
    }
    return {
        "release": TemplateParameter(default=release, description="kernel release")
    } | {
        name: TemplateParameter(default="", description=text)
        for name, text in files.items()
    }


def _is_rival(others: Sequence[ModuleEntry], name: str) -> bool:
    return any(one.name == name and one.drivers[0].vfio for one in others)


def _comment(given: Sequence[DriverModule], targets: Sequence[Target]) -> str:
    first = given[0]
    return _COMMENT.format(
        files=", ".join(one.file_name for one in given),
        parameter=file_parameter(first),
        file=first.file_name,
        device=targets[0].address if targets else "DEVICE",
    )
