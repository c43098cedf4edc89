"""Read the modules of a host."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from simkernel.recording.host_files import HostReader

__all__ = ["INDEXES", "HostModules", "ModuleFacts"]

INDEXES = (
    "modules.alias",
    "modules.builtin",
    "modules.builtin.modinfo",
    "modules.dep",
    "modules.order",
    "modules.softdep",
)
"""Files of the module directory that resolver reads."""
_SUFFIX = re.compile(r"\.(?:xz|zst|gz)$")
_LONGEST_VALUE = 200
"""Longest recorded value of a parameter, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleFacts:
    """Facts about a module."""

    name: str
    path: str
    """File below the module directory; empty: not in the module directory."""
    is_builtin: bool
    is_loaded: bool
    depends: tuple[str, ...]
    softdeps: tuple[str, ...]
    version: str
    drivers: tuple[str, ...]
    """PCI drivers that it registered."""
    parameters: tuple[tuple[str, str, int], ...]
    """Name, value and mode."""


class HostModules:
    """The modules of a host.

    :param folder: the module directory, which may be missing.
    """

    def __init__(self, host: HostReader, folder: str) -> None:
        self._host = host
        self.folder = folder

    @cached_property
    def rows(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """File and dependencies by module, from ``modules.dep``."""
        found = {}
        for line in self._host.lines(f"{self.folder}/modules.dep"):
            path, _, needs = line.partition(":")
            names = tuple(map(_name, needs.split()))
            found[_name(path)] = (_SUFFIX.sub("", path), names)
        return found

    @cached_property
    def builtin(self) -> dict[str, str]:
        """File by built-in module, from ``modules.builtin``."""
        lines = self._host.lines(f"{self.folder}/modules.builtin")
        return {_name(line): line for line in lines}

    @cached_property
    def softdeps(self) -> dict[str, list[str]]:
        """Soft dependencies by module, such as ``pre: a post: b``."""
        found: dict[str, list[str]] = {}
        for line in self._host.lines(f"{self.folder}/modules.softdep"):
            words = line.split()
            if len(words) > 2 and words[0] == "softdep":
                name = words[1].replace("-", "_")
                found.setdefault(name, []).append(" ".join(words[2:]))
        return found

    @cached_property
    def loaded(self) -> list[str]:
        """Names of the loaded modules, oldest first."""
        names = [line.split(" ")[0] for line in self._host.lines("/proc/modules")]
        return names[::-1]

    @cached_property
    def order(self) -> dict[str, int]:
        """Rank of each module in ``modules.order``."""
        lines = self._host.lines(f"{self.folder}/modules.order")
        return {_name(line): number for number, line in enumerate(lines)}

    def missing(self) -> list[str]:
        """Return the names of the missing index files."""
        return [
            one for one in INDEXES if not self._host.is_there(f"{self.folder}/{one}")
        ]

    def with_dependencies(self, names: Iterable[str]) -> list[str]:
        """Return modules and their dependencies, in link order."""
        found: dict[str, None] = {}
        pending = list(names)
        while pending:
            name = pending.pop(0)
            if name in found or not self._is_known(name):
                continue
            found[name] = None
            pending += self.rows.get(name, ("", ()))[1]
            for text in self.softdeps.get(name, []):
                words = [word.replace("-", "_") for word in text.split()]
                pending += [word for word in words if word in self.rows]
        return sorted(found, key=lambda one: self.order.get(one, len(self.order)))

    def _is_known(self, name: str) -> bool:
        return (
            name in self.rows
            or name in self.builtin
            or name in self.loaded
            or self._host.is_there(f"/sys/module/{name}")
        )

    def facts(self, name: str) -> ModuleFacts:
        """Return the facts about a module."""
        path, needs = self.rows.get(name, ("", ()))
        place = f"/sys/module/{name}"
        is_shown = self._host.is_there(place)
        is_live = self._host.is_there(f"{place}/initstate")
        return ModuleFacts(
            name=name,
            path=path or self.builtin.get(name, ""),
            is_builtin=name in self.builtin or (is_shown and not is_live and not path),
            is_loaded=name in self.loaded,
            depends=needs,
            softdeps=tuple(self.softdeps.get(name, ())),
            version=self._host.text(f"{place}/version"),
            drivers=tuple(
                one.partition(":")[2]
                for one in self._host.names(f"{place}/drivers")
                if one.startswith("pci:")
            ),
            parameters=tuple(self._parameters(place)),
        )

    def _parameters(self, place: str) -> Iterator[tuple[str, str, int]]:
        for name in self._host.names(f"{place}/parameters"):
            path = f"{place}/parameters/{name}"
            value, mode = self._host.text(path), self._host.mode(path)
            if mode & 0o444 and len(value) <= _LONGEST_VALUE and value.isprintable():
                yield name, value, mode


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".ko")[0].replace("-", "_")
