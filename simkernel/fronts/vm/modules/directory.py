"""Builds the ``/lib/modules/<release>`` of a guest.

It has the scenario's modules at the scenario's paths, and no others. The real
``depmod`` writes its indexes.
"""

from __future__ import annotations

import json
import lzma
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from simkernel.errors import UsageError
from simkernel.fronts.vm.machine.installed_kernel import (
    InstalledKernel,
    require_programs,
)
from simkernel.fronts.vm.modules import build, scenario_modules
from simkernel.fronts.vm.modules.cache import cached, fingerprint
from simkernel.fronts.vm.modules.origins import (
    ModulePlan,
    Origin,
    own_modules,
    plan_modules,
)
from simkernel.fronts.vm.modules.prebuilt import Prebuilt
from simkernel.kmod import depmod
from simkernel.model.core.features import Features
from simkernel.model.modules.spec import ModuleSpec
from simkernel.scenario import specs
from simkernel.scenario.schema import Scenario

__all__ = ["ModuleDirectory", "module_directory", "source_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleDirectory:
    """The modules of a scenario, built for a kernel."""

    path: Path
    """Directory to mount on ``/lib/modules/<release>``."""
    simpci: Path
    """Path of the module with the synthetic functions."""
    preloaded: tuple[Path, ...]
    """Modules to load before all others, in this order: built in, for the scenario."""
    unlisted: Mapping[str, Path]
    """Paths of loadable modules that depmod does not list, by name."""
    built: Path
    """Folder with the out-of-tree modules, for the scenario's build folder."""
    notes: tuple[str, ...]
    """Deviations from the scenario, one line each."""


def module_directory(
    scenario: Scenario, kernel: InstalledKernel, progress: Callable[[str], None]
) -> ModuleDirectory:
    """Return the module directory of a scenario; build it if it is not cached.

    :param progress: receives the current step as text.
    :raises BuildError: a module does not build.
    :raises UsageError: a build requirement is not installed, or a module needs a bus
        that a PC lacks.
    """
    name = f"tree-{_key(scenario, kernel)}"
    place = cached(
        kernel.release,
        name,
        lambda made: _Builder(scenario, kernel, made).make(progress),
    )
    index = json.loads((place / "index.json").read_text("utf-8"))
    return ModuleDirectory(
        path=place / "lib/modules" / kernel.release,
        simpci=place / "simpci.ko",
        preloaded=tuple(place / one for one in index["preloaded"]),
        unlisted={one: place / path for one, path in index["unlisted"].items()},
        built=place / "built",
        notes=tuple(index["notes"]),
    )


def _key(scenario: Scenario, kernel: InstalledKernel) -> str:
    """Return a fingerprint of scenario modules, kernel, and this package's sources."""
    parts: list[str | bytes | Path] = [
        *build.kernel_parts(kernel),
        kernel.modules / "modules.dep",
        kernel.modules / "modules.builtin",
        *([kernel.sources] if kernel.sources.is_file() else []),
        *(one.read_bytes() for one in source_files(Path(__file__).parent)),
        repr((scenario.modules, scenario.missing, scenario.kernel.compressed_modules)),
        *(_read(Path(one.file)) for one in scenario.modules if one.file),
    ]
    return fingerprint(parts)


def source_files(package: Path) -> list[Path]:
    """Return all files of a package, except compiled ones."""
    return sorted(
        path
        for path in package.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    )


class _Builder:
    """Builds one directory.

    :param place: an empty folder for the directory and its companions.
    """

    def __init__(
        self, scenario: Scenario, kernel: InstalledKernel, place: Path
    ) -> None:
        self._scenario = scenario
        self._kernel = kernel
        self._place = place
        self._tree = place / "lib/modules" / kernel.release
        features = Features.of_release(kernel.release)
        self._specs = [specs.module(one, features) for one in scenario.modules]
        self._features = features

    def make(self, progress: Callable[[str], None]) -> None:
        """Fill the folder."""
        progress(f"building modules for {self._kernel.release}")
        require_programs("depmod")
        shutil.copy(build.simpci(self._kernel), self._place / "simpci.ko")
        for folder in ("aside", "built", "prebuilt"):
            (self._place / folder).mkdir()
        chosen = plan_modules(self._scenario, self._kernel)
        built = self._build(chosen)
        unlisted: dict[str, str] = {}
        for spec, entry in zip(self._specs, self._scenario.modules, strict=True):
            origin = chosen.origins[spec.name]
            if origin is Origin.NO_FILE:
                continue
            data = self._content(spec.name, origin, built)
            if entry.builtin or not entry.listed:
                (self._place / "aside" / f"{spec.name}.ko").write_bytes(data)
                unlisted[spec.name] = f"aside/{spec.name}.ko"
            else:
                self._install(spec.path, data)
        for name in chosen.added:
            own = own_modules(self._kernel.modules)[name].path
            path = own.relative_to(self._kernel.modules)
            self._install(str(path).removesuffix(".xz"), _read(own))
        self._index(chosen)
        self._finish(chosen, unlisted)

    def _build(self, chosen: ModulePlan) -> Path | None:
        entries = zip(self._scenario.modules, self._specs, strict=True)
        parts = [
            scenario_modules.BuildTarget(entry, spec, chosen.origins[spec.name])
            for entry, spec in entries
            if chosen.origins[spec.name] in (Origin.STUB, Origin.VARIANT)
        ]
        prebuilt = self._prebuilt(chosen)
        if not parts:
            return None
        return scenario_modules.build(parts, chosen.origins, self._kernel, prebuilt)

    def _prebuilt(self, chosen: ModulePlan) -> list[Prebuilt]:
        """Uncompress the prebuilt modules."""
        found = []
        for entry in self._scenario.modules:
            if chosen.origins[entry.name] is Origin.PREBUILT:
                path = self._place / "prebuilt" / f"{entry.name}.ko"
                path.write_bytes(_read(Path(entry.file)))
                found.append(Prebuilt(path, entry.depends))
        return found

    def _content(self, name: str, origin: Origin, built: Path | None) -> bytes:
        if origin is Origin.PREBUILT:
            return (self._place / "prebuilt" / f"{name}.ko").read_bytes()
        if origin is Origin.OWN or built is None:
            return _read(own_modules(self._kernel.modules)[name].path)
        return (built / f"{name}.ko").read_bytes()

    def _install(self, path: str, data: bytes) -> None:
        """Write a module to its path, compressed if the scenario compresses modules."""
        is_kernel_path = path.startswith("kernel/")
        if not is_kernel_path:
            (self._place / "built" / path.rpartition("/")[2]).write_bytes(data)
        if is_kernel_path and self._scenario.kernel.compressed_modules:
            path, data = f"{path}.xz", lzma.compress(data, check=lzma.CHECK_CRC32)
        file = self._tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def _index(self, chosen: ModulePlan) -> None:
        """Write the indexes: first the kernel build's, then depmod's."""
        self._tree.mkdir(parents=True, exist_ok=True)
        listed = [
            spec
            for spec, entry in zip(self._specs, self._scenario.modules, strict=True)
            if entry.listed and (spec.builtin or self._has_file(spec, chosen))
        ]
        indexes = depmod.generate(
            listed,
            self._kernel.release,
            builtin_table_aliases=self._features.builtin_table_aliases,
        )
        for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            (self._tree / name).write_bytes(indexes[name])
        _depmod(self._place, self._kernel.release)
        for name in self._scenario.missing:
            (self._tree / name).unlink(missing_ok=True)

    def _has_file(self, spec: ModuleSpec, chosen: ModulePlan) -> bool:
        return chosen.origins[spec.name] is not Origin.NO_FILE

    def _finish(self, chosen: ModulePlan, unlisted: Mapping[str, str]) -> None:
        names = [one for one in unlisted if one not in chosen.preloaded]
        index = {
            "preloaded": [unlisted[one] for one in chosen.preloaded],
            "unlisted": {one: unlisted[one] for one in names},
            "notes": chosen.notes,
        }
        text = json.dumps(index, indent=1)
        (self._place / "index.json").write_text(text, "utf-8")


def _read(path: Path) -> bytes:
    """Return the uncompressed content of a module file.

    :raises UsageError: the compression is not supported.
    """
    if path.suffix not in (".ko", ".xz"):
        raise UsageError(f"{path}: unsupported compression (supported: .ko, .ko.xz)")
    try:
        data = path.read_bytes()
        return lzma.decompress(data) if path.suffix == ".xz" else data
    except (OSError, lzma.LZMAError) as error:
        raise UsageError(f"cannot read module {path}: {error}") from None


def _depmod(base: Path, release: str) -> None:
    """Run depmod, without the host's configuration."""
    words: Sequence[str | Path] = ["depmod", "-C", "/dev/null", "-b", base, release]
    ran = subprocess.run(
        words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    if ran.returncode:
        text = ran.stderr.decode(errors="replace").strip()
        raise UsageError(f"depmod failed in {base}: {text}")
