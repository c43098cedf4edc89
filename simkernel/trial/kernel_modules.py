"""Read the aliases of a kernel's own modules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simkernel.errors import UsageError
from simkernel.kmod.pattern import matches

__all__ = ["KernelModules", "module_directory", "read_kernel_modules"]

_FOLDER: Final = Path("/lib/modules")
_SUFFIX: Final = re.compile(r"\.(?:xz|zst|gz)$")


@dataclass(frozen=True, slots=True)
class KernelModules:
    """The PCI aliases and paths of a kernel's modules."""

    aliases: tuple[tuple[str, str], ...] = ()
    """Pattern and module, in the order of ``modules.alias``."""
    paths: Mapping[str, str] | None = None
    """File below the module directory, by module; None: no module directory."""

    def for_device(self, modalias: str) -> Iterator[tuple[str, str]]:
        """Yield pattern and module of each matching alias."""
        bus = modalias[: modalias.index(":") + 1]
        for pattern, module in self.aliases:
            if pattern.startswith(bus) and matches(pattern, modalias):
                yield pattern, module

    def path_of(self, module: str) -> str:
        """Return a module's file; of an unknown one, a plausible path."""
        return (self.paths or {}).get(module, f"kernel/drivers/{module}.ko")


def module_directory(release: str) -> Path | None:
    """Return the module directory of a kernel, or None.

    :param release: a release, or its first components, such as ``6.1``.
    """
    whole = _FOLDER / release
    if (whole / "modules.alias").is_file():
        return whole
    start = re.compile(rf"{re.escape(release)}(?![0-9A-Za-z])")
    found = [one for one in sorted(_FOLDER.glob("*")) if start.match(one.name)]
    complete = [one for one in found if (one / "modules.alias").is_file()]
    return complete[-1] if complete else None


def read_kernel_modules(folder: Path) -> KernelModules:
    """Read a module directory.

    :raises UsageError: ``modules.alias`` or ``modules.dep`` is unreadable.
    """
    aliases, paths = [], {}
    try:
        for line in _lines(folder / "modules.alias"):
            words = line.split()
            if len(words) == 3 and words[1].startswith(("pci:", "vfio_pci:")):
                aliases.append((words[1], words[2]))
        for line in _lines(folder / "modules.dep"):
            path = _SUFFIX.sub("", line.partition(":")[0])
            paths[path.rpartition("/")[2].removesuffix(".ko").replace("-", "_")] = path
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{folder} is not a module directory: {error}") from None
    return KernelModules(tuple(aliases), paths)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
