"""Selects the file for each module of a scenario on a real kernel.

The kernel's own drivers cannot probe synthetic functions, which have no registers. A
stub replaces them. VFIO's modules and pure dependencies are the real ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path

from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel
from simkernel.fronts.vm.modules.variants import is_upstream_variant, sources
from simkernel.scenario.schema import ModuleEntry, Scenario

__all__ = ["VFIO", "ModulePlan", "Origin", "OwnModule", "own_modules", "plan_modules"]

VFIO = (
    "irqbypass",
    "vfio",
    "vfio_iommu_type1",
    "vfio_virqfd",
    "vfio_pci_core",
    "vfio_pci",
)
"""Modules of VFIO for PCI, each after its dependencies."""

_ALWAYS_THERE = ("pcieportdrv", "virtio_pci")
"""Modules that count as built in. The port driver cannot be a module, so no list has
it; the guest itself needs virtio_pci."""


class Origin(Enum):
    """Origin of a module's file."""

    OWN = "the kernel's own file"
    PREBUILT = "the file that the scenario names"
    VARIANT = "built from the kernel's sources"
    STUB = "written and built for the scenario"
    NO_FILE = "built into the kernel, or unavailable"


@dataclass(frozen=True, slots=True)
class OwnModule:
    """A module that belongs to the installed kernel."""

    path: Path
    """Its file, possibly compressed."""
    needs: frozenset[str]
    """Modules it depends on, directly or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulePlan:
    """Origins of modules, by name."""

    origins: Mapping[str, Origin]
    added: tuple[str, ...]
    """Own modules that this kernel's VFIO needs and the scenario lacks."""
    preloaded: tuple[str, ...]
    """Modules that only the scenario has built in. They are loaded before all others,
    in this order."""
    notes: tuple[str, ...]


def plan_modules(scenario: Scenario, kernel: InstalledKernel) -> ModulePlan:
    """Select the origin of every module of a scenario.

    :raises UsageError: the kernel's sources are required and not installed.
    """
    own, builtin = own_modules(kernel.modules), _builtin(kernel.modules)
    preloaded = tuple(_preloaded(scenario, builtin))
    origins: dict[str, Origin] = {}
    for module in scenario.modules:
        is_there = module.name in builtin or module.name in _ALWAYS_THERE
        if module.file and not module.builtin:
            origins[module.name] = Origin.PREBUILT
        elif is_there or (module.builtin and module.name not in preloaded):
            origins[module.name] = Origin.NO_FILE
        elif is_upstream_variant(module) and sources(kernel, module.name):
            origins[module.name] = Origin.VARIANT
        elif module.name in own and _may_be_own(module):
            origins[module.name] = Origin.OWN
        else:
            origins[module.name] = Origin.STUB
    added = _added(origins, own, builtin)
    _drop_incomplete(origins, own, added)
    return ModulePlan(
        origins=origins,
        added=tuple(added),
        preloaded=preloaded,
        notes=tuple(_notes(scenario, kernel, origins, added, preloaded)),
    )


def _may_be_own(module: ModuleEntry) -> bool:
    """Whether the kernel's own module behaves as the scenario describes."""
    if module.name == "vfio_pci":
        return [one.name for one in module.drivers] == ["vfio-pci"]
    says_more = (
        module.drivers
        or module.devices
        or module.hotplug_control
        or module.init_errno
        or module.init_ms
    )
    return not says_more


def _preloaded(scenario: Scenario, builtin: frozenset[str]) -> Iterator[str]:
    """Yield the modules to load as if built in, each after its dependencies."""
    modules = {one.name: one for one in scenario.modules}
    wanted: dict[str, None] = {}

    def want(name: str) -> None:
        for needed in modules[name].depends:
            want(needed)
        if name not in builtin and name not in _ALWAYS_THERE:
            wanted[name] = None

    for module in scenario.modules:
        if module.builtin and (module.drivers or module.name in VFIO):
            want(module.name)
    yield from wanted


def _added(
    origins: Mapping[str, Origin],
    own: Mapping[str, OwnModule],
    builtin: frozenset[str],
) -> list[str]:
    """Return the own modules that VFIO's own modules need."""
    there = [name for name in VFIO if origins.get(name) is Origin.OWN]
    needed = {name for one in there for name in own[one].needs} - builtin
    return sorted(name for name in needed if origins.get(name) is not Origin.OWN)


def _drop_incomplete(
    origins: dict[str, Origin], own: Mapping[str, OwnModule], added: list[str]
) -> None:
    """Replace own modules by stubs if the scenario lacks their dependencies."""
    changed = True
    while changed:
        there = {name for name, one in origins.items() if one is Origin.OWN} | {*added}
        lacking = [
            name
            for name, one in origins.items()
            if one is Origin.OWN and not own[name].needs <= there
        ]
        changed = bool(lacking)
        origins.update(dict.fromkeys(lacking, Origin.STUB))


@lru_cache(maxsize=4)
def own_modules(folder: Path) -> dict[str, OwnModule]:
    """Return the modules of a kernel's module directory by name.

    Source: modules.dep, ``path: paths of all dependencies``.
    """
    found = {}
    for line in (folder / "modules.dep").read_text("utf-8").splitlines():
        path, _, needs = line.partition(":")
        found[_name(path)] = OwnModule(
            folder / path, frozenset(map(_name, needs.split()))
        )
    return found


@lru_cache(maxsize=4)
def _builtin(folder: Path) -> frozenset[str]:
    lines = (folder / "modules.builtin").read_text("utf-8").splitlines()
    return frozenset(map(_name, lines))


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0].replace("-", "_")


# ---- notes for the user


def _notes(
    scenario: Scenario,
    kernel: InstalledKernel,
    origins: Mapping[str, Origin],
    added: list[str],
    preloaded: tuple[str, ...],
) -> Iterator[str]:
    own = own_modules(kernel.modules)
    stubs = [one for one in scenario.modules if origins[one.name] is Origin.STUB]
    real = [one for one in stubs if one.name in own]
    lost = [one for one in stubs if is_upstream_variant(one)]
    others = [one for one in stubs if one not in real and one not in lost]
    alone = [one for one in real if _may_be_own(one)]
    driving = [one for one in real if one not in alone]
    built = [one for one in scenario.modules if origins[one.name] is Origin.VARIANT]
    prebuilt = [one for one in scenario.modules if origins[one.name] is Origin.PREBUILT]
    series = kernel.sources.name.removesuffix(".tar.xz")
    there = [
        one
        for one in scenario.modules
        if not one.builtin and origins[one.name] is Origin.NO_FILE
    ]
    for modules, text in (
        (prebuilt, "the scenario's file"),
        (built, f"built from {series}"),
        (driving, "stub with the scenario's drivers; the real one needs hardware"),
        (alone, "stub; the scenario lacks modules that the real one needs"),
        (lost, f"stub; not in {series}"),
        (others, f"stub; not in {kernel.release}"),
        (there, "built into this kernel"),
    ):
        yield from _note([one.name for one in modules], text)
    yield from _note(added, f"added; the VFIO of {kernel.release} needs it")
    yield from _note(preloaded, "loaded first; not built into this kernel")


def _note(names: Sequence[str], text: str) -> Iterator[str]:
    if names:
        yield f"module {', '.join(names)}: {text}"
