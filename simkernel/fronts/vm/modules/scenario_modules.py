"""Builds the modules of a scenario that the kernel did not come with.

Stubs and variants are built in one run, so that the build ties them to each other.
What a variant needs of a host driver, that driver's stub exports as functions that do
nothing and return 0; to the variant, that host driver does not hold the device.
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
"""Builds until every symbol that a variant needs is found: mostly one, at most two."""


@dataclass(frozen=True, slots=True)
class BuildTarget:
    """One module to be built."""

    entry: ModuleEntry
    spec: ModuleSpec
    origin: Origin


def build(
    parts: Sequence[BuildTarget],
    others: Mapping[str, Origin],
    kernel: InstalledKernel,
    prebuilt: Sequence[Prebuilt] = (),
) -> Path:
    """Return the folder with the modules' files, each ``<name>.ko``.

    :param parts: stubs and variants.
    :param others: origins of all modules of the scenario.
    :param prebuilt: modules that were built elsewhere.
    :raises BuildError: one cannot be built.
    :raises UsageError: a program is missing, or a driver cannot be had on a PC.
    """
    work = _Build(parts, others, kernel, prebuilt)
    texts = work.files()
    bare = f"no checksums: {sorted(work.lenders)}"
    key = fingerprint([*kernel_parts(kernel), bare, *texts, *texts.values()])
    return cached(kernel.release, f"modules-{key}", work.make)


@dataclass(slots=True)
class _Build:
    parts: Sequence[BuildTarget]
    origins: Mapping[str, Origin]
    kernel: InstalledKernel
    prebuilt: Sequence[Prebuilt]
    lenders: set[str] = field(init=False)
    """Stubs that modules use which were built elsewhere."""
    _variants: dict[str, dict[str, bytes]] = field(init=False)
    """Sources of each variant."""
    _exports: dict[str, set[str]] = field(init=False)
    """What each stub exports."""

    def __post_init__(self) -> None:
        variants = [one for one in self.parts if one.origin is Origin.VARIANT]
        self._variants = {
            one.spec.name: sources(self.kernel, one.spec.name) for one in variants
        }
        self._exports = {
            one.spec.name: set() for one in self.parts if one.origin is Origin.STUB
        }
        for one in self.parts:
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
        """Return all that is built: name to content."""
        names = [f"{one}.o" for one in self._exports]
        names += [f"{one}/" for one in self._variants]
        files = {**stubs.headers(), "Kbuild": f"obj-m := {' '.join(names)}\n".encode()}
        for one in self.parts:
            if one.origin is Origin.STUB:
                files[f"{one.spec.name}.c"] = self._source(one).encode()
        for name, own in self._variants.items():
            files |= {f"{name}/{file}": data for file, data in own.items()}
        return files

    def make(self, place: Path) -> None:
        """Build all in a folder, and leave nothing there but the modules."""
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
        keep_only(place, [f"{one.spec.name}.ko" for one in self.parts])

    def _source(self, part: BuildTarget) -> str:
        needs = [self._symbol_of(name) for name in part.spec.depends]
        return stubs.source(
            part.entry,
            part.spec,
            exports=sorted(self._exports[part.spec.name]),
            needs=[one for one in needs if one],
        )

    def _symbol_of(self, module: str) -> str | None:
        """Return a symbol by which to depend on a module; None if it has none."""
        if self.origins[module] is Origin.STUB:
            return export_name(module)
        if self.origins[module] is Origin.OWN:
            return first_export(self.kernel, module)
        return None

    def _export_more(self, place: Path) -> bool:
        """Have stubs export what the variants lack; tell whether they did anything.

        :raises BuildError: nothing can have it.
        """
        owners = exported(self.kernel)
        ours = {symbol for one in self._exports.values() for symbol in one}
        more = False
        for part in self.parts:
            if part.origin is not Origin.VARIANT:
                continue
            needed = undefined(self._built(place, part.spec.name)) - ours
            for symbol in sorted(needed):
                owner = owners.get(symbol)
                if owner is not None and owner not in self._exports:
                    continue
                self._exports[owner or self._host_driver(part, symbol)].add(symbol)
                more = True
        return more

    def _host_driver(self, part: BuildTarget, symbol: str) -> str:
        for name in part.spec.depends:
            if name in self._exports:
                return name
        raise BuildError(
            f"{part.spec.name} needs {symbol}, which no module of kernel "
            f"{self.kernel.release} and of the scenario has"
        )

    def _built(self, place: Path, variant: str) -> Path:
        """Return the file that was built of a variant.

        :raises BuildError: there is none.
        """
        found: Iterable[Path] = (place / variant).glob("*.ko")
        for one in found:
            return one
        raise BuildError(f"nothing was built of {variant}'s sources in {place}")
