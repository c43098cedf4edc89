"""The kinds of nodes that a simulated file system is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from simkernel.model.vfio.nodes import NodeOwner

__all__ = [
    "PAGE_SIZE",
    "Attribute",
    "CharacterDevice",
    "Directory",
    "Link",
    "Listing",
    "Node",
    "Stay",
    "link",
]

PAGE_SIZE = 4096
"""Bytes in a page: the size that a text attribute shows, and the longest write."""


def _always() -> bool:
    return True


@dataclass(slots=True, kw_only=True)
class Attribute:
    """A file whose text the kernel makes, and whose writes the kernel obeys."""

    mode: int
    """Permission bits; kernfs checks them for root too."""
    show: Callable[[], bytes] | None = None
    store: Callable[[bytes], None] | None = None
    """Takes the bytes of one write.

    :raises KernelRefusal: the write is refused and has changed nothing.
    """
    alive: Callable[[], bool] = _always
    """Whether the object that the file belongs to is still there."""
    size: int = PAGE_SIZE


@dataclass(slots=True)
class Link:
    """A symbolic link."""

    target: str
    """Text of the link, relative to the directory in which it lies."""


@dataclass(slots=True, kw_only=True)
class CharacterDevice:
    """A device node."""

    mode: int
    """Permission bits."""
    major: int
    minor: int
    uid: int = 0
    gid: int = 0
    give: Callable[[NodeOwner], None] | None = None
    """Gives the node to somebody, for as long as it is there."""


class Stay(IntEnum):
    """How long an entry of a directory is there."""

    BRIEFLY = 0
    """It comes and goes with drivers, modules and what they make."""
    WITH_DEVICES = 1
    """It comes and goes with the devices of buses."""
    WITH_DIRECTORY = 2
    """As long as the directory is there."""


class Listing(NamedTuple):
    """Entries of a directory that come and go with the kernel's state."""

    names: Callable[[], Iterable[str]]
    child: Callable[[str], Node | None]
    stay: Stay = Stay.BRIEFLY


class Directory:
    """A directory: some entries that are always there, and some listings.

    :param entries: name to a function that makes the node.
    """

    __slots__ = ("_entries", "_listings")

    def __init__(
        self,
        entries: Mapping[str, Callable[[], Node]] | None = None,
        *listings: Listing,
    ) -> None:
        self._entries = entries or {}
        self._listings = listings

    def names(self) -> Iterator[str]:
        """Yield the names of all entries."""
        yield from self._entries
        for listing in self._listings:
            yield from listing.names()

    def child(self, name: str) -> Node | None:
        """Return one entry, None if there is none of that name."""
        make = self._entries.get(name)
        if make is not None:
            return make()
        for listing in self._listings:
            node = listing.child(name)
            if node is not None:
                return node
        return None

    def stay(self, name: str) -> Stay:
        """Return how long an entry is there that is there now."""
        if name in self._entries:
            return Stay.WITH_DIRECTORY
        for listing in self._listings:
            if listing.stay and listing.child(name) is not None:
                return listing.stay
        return Stay.BRIEFLY


Node = Attribute | Link | CharacterDevice | Directory
"""Any entry of a directory."""


def link(path: str, target: str) -> Link:
    """Return the link at ``path`` to ``target``, both below one root, ``/`` in front.

    The text leads up to where both have come from, and down to the target by its name,
    also if the link lies below the target.

    Source: fs/kernfs/symlink.c kernfs_get_target_path(). Rule: R-SYSFS-6.
    """
    here, there = path.split("/")[:-1], target.split("/")
    shared = 0
    for one, other in zip(here, there[:-1], strict=False):
        if one != other:
            break
        shared += 1
    return Link("/".join([".."] * (len(here) - shared) + there[shared:]))
