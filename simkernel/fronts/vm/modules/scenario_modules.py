"""Builds the stubs and variant drivers of a scenario.

One build has all of them, so that their symbols match. The stub of a host driver
exports the functions that a variant needs. They do nothing and return 0, so the
variant finds that the host driver does not manage the device.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simkernel.fronts.vm.machine.installed_kernel import (
    InstalledKernel,
    require_programs,
)
from simkernel.fronts.vm.modules import stubs
from simkernel.fronts.vm.modules.build import (
    BuildError,
    keep_only,
    kernel_parts,
    make_modules,
)
from simkernel.fronts.vm.modules.cache import cached, fingerprint, write_files
from simkernel.fronts.vm.modules.origins import Origin
from simkernel.fronts.vm.modules.prebuilt import (
    Prebuilt,
    exported_for,
    remove_checksums,
)
from simkernel.fronts.vm.modules.symbols import (
    exported,
    first_export,
    mentioned,
    undefined,
)
from simkernel.fronts.vm.modules.variants import VARIANTS, sources
from simkernel.kmod.depmod import export_name
from simkernel.model.modules.spec import ModuleSpec
from simkernel.scenario.schema import ModuleEntry

__all__ = ["BuildTarget", "build"]

_ROUNDS = 3
"""Maximum number of builds until all symbols of the variants are exported."""


@dataclass(frozen=True, slots=True)
class BuildTarget:
    """A module to build."""

    entry: ModuleEntry
    spec: ModuleSpec
    origin: Origin


def build(
    targets: Sequence[BuildTarget],
    others: Mapping[str, Origin],
    kernel: InstalledKernel,
    prebuilt: Sequence[Prebuilt] = (),
) -> Path:
    """Return the folder with the built modules, each ``<name>.ko``.

    :param targets: stubs and variants.
    :param others: origins of all modules of the scenario.
    :param prebuilt: modules that were built elsewhere.
    :raises BuildError: a module does not build.
    :raises UsageError: a program is missing, or a driver needs a bus that a PC
        lacks.
    """
    work = _Build(targets, others, kernel, prebuilt)
    texts = work.files()
    bare = f"no checksums: {sorted(work.lenders)}"
    key = fingerprint([*kernel_parts(kernel), bare, *texts, *texts.values()])
    return cached(kernel.release, f"modules-{key}", work.make)


@dataclass(slots=True)
class _Build:
    targets: Sequence[BuildTarget]
    origins: Mapping[str, Origin]
    kernel: InstalledKernel
    prebuilt: Sequence[Prebuilt]
    lenders: set[str] = field(init=False)
    """Stubs that prebuilt modules depend on."""
    _variants: dict[str, dict[str, bytes]] = field(init=False)
    """Source files of each variant."""
    _exports: dict[str, set[str]] = field(init=False)
    """Exported symbols of each stub."""

    def __post_init__(self) -> None:
        variants = [one for one in self.targets if one.origin is Origin.VARIANT]
        self._variants = {
            one.spec.name: sources(self.kernel, one.spec.name) for one in variants
        }
        self._exports = {
            one.spec.name: set() for one in self.targets if one.origin is Origin.STUB
        }
        for one in self.targets:
            for name in set(one.spec.depends) & set(self._exports):
                self._exports[name].add(export_name(name))
        files = [data for one in self._variants.values() for data in one.values()]
        owners = exported(self.kernel) if files or self.prebuilt else {}
        lent = exported_for(self.prebuilt, owners, self._exports.keys())
        self.lenders = {*lent}
        for name, symbols in lent.items():
            self._exports[name] |= symbols
        theirs = [one for one, owner in owners.items() if owner in self._exports]
        for symbol in mentioned(files, theirs):
            self._exports[owners[symbol]].add(symbol)

    def files(self) -> dict[str, bytes]:
        """Return all files of the build: name to content."""
        names = [f"{one}.o" for one in self._exports]
        names += [f"{one}/" for one in self._variants]
        files = {**stubs.headers(), "Kbuild": f"obj-m := {' '.join(names)}\n".encode()}
        for one in self.targets:
            if one.origin is Origin.STUB:
                files[f"{one.spec.name}.c"] = self._source(one).encode()
        for name, own in self._variants.items():
            files |= {f"{name}/{file}": data for file, data in own.items()}
        return files

    def make(self, place: Path) -> None:
        """Build the modules in a folder, and remove all other files."""
        require_programs("nm")
        options = [f"{VARIANTS[one].option}=m" for one in self._variants]
        for _ in range(_ROUNDS):
            write_files(place, self.files())
            make_modules(self.kernel, place, options)
            if not self._export_more(place):
                break
        for name in self._variants:
            self._built(place, name).rename(place / f"{name}.ko")
        for name in self.lenders:
            remove_checksums(place / f"{name}.ko")
        keep_only(place, [f"{one.spec.name}.ko" for one in self.targets])

    def _source(self, target: BuildTarget) -> str:
        needs = [self._symbol_of(name) for name in target.spec.depends]
        return stubs.source(
            target.entry,
            target.spec,
            exports=sorted(self._exports[target.spec.name]),
            needs=[one for one in needs if one],
        )

    def _symbol_of(self, module: str) -> str | None:
        """Return a symbol of a module to depend on it; None: it exports none."""
        if self.origins[module] is Origin.STUB:
            return export_name(module)
        if self.origins[module] is Origin.OWN:
            return first_export(self.kernel, module)
        return None

    def _export_more(self, place: Path) -> bool:
        """Add exports that the variants lack; return whether any was added.

        :raises BuildError: no module can export a symbol.
        """
        owners = exported(self.kernel)
        ours = {symbol for one in self._exports.values() for symbol in one}
        more = False
        for target in self.targets:
            if target.origin is not Origin.VARIANT:
                continue
            needed = undefined(self._built(place, target.spec.name)) - ours
            for symbol in sorted(needed):
                owner = owners.get(symbol)
                if owner is not None and owner not in self._exports:
                    continue
                self._exports[owner or self._host_driver(target, symbol)].add(symbol)
                more = True
        return more

    def _host_driver(self, target: BuildTarget, symbol: str) -> str:
        for name in target.spec.depends:
            if name in self._exports:
                return name
        raise BuildError(
            f"{target.spec.name} needs symbol {symbol}, exported by no module of the "
            f"scenario and of kernel {self.kernel.release}"
        )

    def _built(self, place: Path, variant: str) -> Path:
        """Return the built file of a variant.

        :raises BuildError: the build produced none.
        """
        found: Iterable[Path] = (place / variant).glob("*.ko")
        for one in found:
            return one
        raise BuildError(f"the sources of {variant} produced no module in {place}")
