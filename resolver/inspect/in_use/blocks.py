"""Disks that are mounted, swapped to, or part of something larger.

Source: proc(5), ``/proc/PID/mountinfo`` and ``/proc/swaps``; Linux,
Documentation/ABI/testing/sysfs-block, ``holders``; open(2), O_EXCL on a block device.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from resolver.inspect.in_use.parts import Part
from resolver.inspect.in_use.use import Use
from resolver.linux import Host

__all__ = ["block_users"]

_ESCAPED = re.compile(r"\\([0-7]{3})")


def block_users(host: Host, parts: Sequence[Part]) -> Iterator[Use]:
    """Yield who uses the disks among the parts of a device, and their partitions."""
    names = [part.name for part in parts if part.kind == "block"]
    if not names:
        return
    users = _Users(host)
    found = [text for name in names for text in users.of(name)]
    if not found:
        found = [text for name in names for text in users.unnamed(name)]
    yield from (Use("disk-in-use", text) for text in dict.fromkeys(found))


class _Users:
    def __init__(self, host: Host) -> None:
        self._host = host
        self._mounts = _mounts(_text(host, f"{host.proc}/self/mountinfo"))
        self._swaps = _swaps(_text(host, f"{host.proc}/swaps"))

    # What uses a block device, itself or through devices made of it.
    def of(self, name: str, above: tuple[str, ...] = ()) -> Iterator[str]:
        directory = f"{self._host.sys}/class/block/{name}"
        label = self._label(name)
        what = f"{label} on {above[0]}" if above else label
        for node in dict.fromkeys((f"/dev/{name}", f"/dev/mapper/{label}")):
            if node in self._swaps:
                yield f"{what} is swap"
        number = self._host.attribute(f"{directory}/dev") or ""
        places = [*self._mounts.get(number, ()), *self._mounts.get(f"/dev/{name}", ())]
        for place in dict.fromkeys(places):
            yield f"{what} is mounted at {place}"
        for holder in self._host.names(f"{directory}/holders"):
            if holder in above or len(above) > 16:
                continue
            below = list(self.of(holder, (*(above or (label,)), name, holder)))
            yield from below or [f"{what} is part of {self._label(holder)}"]

    # Claimed, though nothing says by whom: ZFS, or a mount of another namespace.
    def unnamed(self, name: str) -> Iterator[str]:
        if self._host.is_claimed(f"{self._host.dev}/{name}"):
            yield (
                f"{name} is claimed by the kernel, as for ZFS or a mount that cannot "
                "be seen from here"
            )

    def _label(self, name: str) -> str:
        mapped = self._host.attribute(f"{self._host.sys}/class/block/{name}/dm/name")
        return mapped or name


def _text(host: Host, path: str) -> str:
    return (host.read_if_there(path) or b"").decode("utf-8", "surrogateescape")


# Places by major:minor, and by source where the file system, as btrfs, has a number
# of its own.
def _mounts(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = line.split(" ")
        if len(words) < 10 or "-" not in words:
            continue
        place = _unescaped(words[4])
        found.setdefault(words[2], []).append(place)
        source = words[words.index("-") + 2 : words.index("-") + 3]
        if source and source[0].startswith("/dev/"):
            found.setdefault(_unescaped(source[0]), []).append(place)
    return found


def _swaps(text: str) -> frozenset[str]:
    lines = text.splitlines()[1:]
    return frozenset(_unescaped(line.split()[0]) for line in lines if line.split())


def _unescaped(word: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), word)
