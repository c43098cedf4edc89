"""The mounts and the swap of a host, as far as they are visible from here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from resolver.linux import Host

__all__ = ["Mounts"]

_ESCAPED = re.compile(r"\\([0-7]{3})")
_OF_CONTAINERS = frozenset({"aufs", "overlay"})
"""File systems of the root directory in a container."""
_NOT_ON_DISKS = frozenset({"bpf", "cgroup", "fuse", "pstore", "resctrl", "selinux"})
"""Directories of ``/sys/fs`` that have no file systems of disks in them."""


class Mounts:
    """What is mounted, and the active swap.

    :ivar swaps: paths of files and nodes.
    :ivar file_systems: name of a block device to the mounted file system that it is
        part of, in any mount namespace.
    :ivar are_of_the_host: whether these are the mounts that the host has. In a
        container they are not.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._places: dict[str, list[str]] = {}
        self.are_of_the_host = False
        for process in ("self", "1"):
            self._add(host.text(f"{host.proc}/{process}/mountinfo"))
        lines = host.text(f"{host.proc}/swaps").splitlines()[1:]
        self.swaps = frozenset(_unescaped(line.split()[0]) for line in lines if line)
        self.file_systems = dict(_file_systems(host))

    def at(self, key: str) -> list[str]:
        """Return where a device is mounted.

        :param key: ``major:minor`` or the path of its node. Some file systems, such as
            btrfs, have a number of their own.
        """
        return self._places.get(key, [])

    def _add(self, text: str) -> None:
        for line in text.splitlines():
            words = line.split(" ")
            if len(words) < 10 or "-" not in words:
                continue
            place = _unescaped(words[4])
            kind, source = [*words[words.index("-") + 1 :], "", ""][:2]
            if place == "/" and kind not in _OF_CONTAINERS:
                self.are_of_the_host = not self._host.hides("processes")
            keys = [words[2]]
            if source.startswith("/dev/"):
                path = self._host.real_path(self._host.at(_unescaped(source)))
                keys += [_unescaped(source), path.removeprefix(self._host.at(""))]
            for key in dict.fromkeys(keys):
                if place not in self._places.setdefault(key, []):
                    self._places[key].append(place)


def _file_systems(host: Host) -> Iterable[tuple[str, str]]:
    base = f"{host.sys}/fs"
    for kind in host.names(base):
        if kind in _NOT_ON_DISKS:
            continue
        for name in host.directories(f"{base}/{kind}"):
            place = f"{base}/{kind}/{name}"
            yield name, kind
            for disk in host.names(f"{place}/devices"):
                yield disk, f"{kind} {name}"
            for member in host.names(place):
                if member.startswith("dev-"):
                    yield (
                        host.link_name(f"{place}/{member}/block") or "",
                        f"{kind} {name}",
                    )


def _unescaped(word: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), word)
