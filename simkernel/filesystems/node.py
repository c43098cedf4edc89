"""Nodes of simulated file systems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from simkernel.model.vfio.nodes import NodeOwner

__all__ = [
    "PAGE_SIZE",
    "Attribute",
    "DeviceNode",
    "Directory",
    "Lifetime",
    "Link",
    "Listing",
    "Node",
    "link",
]

PAGE_SIZE = 4096
"""Bytes in a page: the size of a text attribute, and of the longest write."""


def _always() -> bool:
    return True


@dataclass(slots=True, kw_only=True)
class Attribute:
    """A file that the kernel shows and stores.

    Source: fs/sysfs/file.c; include/linux/sysfs.h struct attribute.
    """

    mode: int
    """Permission bits; kernfs checks them even for root."""
    show: Callable[[], bytes] | None = None
    """Returns the content."""
    store: Callable[[bytes], None] | None = None
    """Takes the bytes of one write.

    :raises KernelRefusal: the kernel refuses the write; nothing has changed.
    """
    alive: Callable[[], bool] = _always
    """Tells whether the object of the file still exists."""
    size: int = PAGE_SIZE
    """Bytes, as ``stat`` shows them."""


@dataclass(slots=True)
class Link:
    """A symbolic link."""

    target: str
    """Text of the link, relative to its directory."""
    leads_to: Callable[[], Node | None] | None = None
    """Returns the node that it leads to, as ``/proc/PID/fd/N`` leads to an open file
    whatever its text; None: the text decides."""


@dataclass(slots=True, kw_only=True)
class DeviceNode:
    """A device node."""

    mode: int
    """Permission bits."""
    major: int
    minor: int
    is_block: bool = False
    is_claimed: bool = False
    """The kernel or a process has the block device for itself: ``O_EXCL`` fails."""
    uid: int = 0
    gid: int = 0
    set_owner: Callable[[NodeOwner], None] | None = None
    """Sets owner and mode, until the node is removed; None: cannot be set."""


class Lifetime(IntEnum):
    """Lifetime of an entry of a directory."""

    SHORT = 0
    """Until a driver or module comes or goes, or a device is bound or released."""
    DEVICE = 1
    """Until a device of a bus comes or goes."""
    DIRECTORY = 2
    """As long as the directory exists."""


class Listing(NamedTuple):
    """Entries of a directory that depend on the kernel's state."""

    names: Callable[[], Iterable[str]]
    child: Callable[[str], Node | None]
    lifetime: Lifetime = Lifetime.SHORT


class Directory:
    """A directory: fixed entries and listings.

    :param entries: name to a function that returns the node.
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
        """Return the entry of a name; None: there is none."""
        make = self._entries.get(name)
        if make is not None:
            return make()
        for listing in self._listings:
            node = listing.child(name)
            if node is not None:
                return node
        return None

    def lifetime(self, name: str) -> Lifetime:
        """Return the lifetime of an existing entry."""
        if name in self._entries:
            return Lifetime.DIRECTORY
        for listing in self._listings:
            if listing.lifetime and listing.child(name) is not None:
                return listing.lifetime
        return Lifetime.SHORT


Node = Attribute | Link | DeviceNode | Directory
"""Any entry of a directory."""


def link(path: str, target: str) -> Link:
    """Return the link at ``path`` to ``target``, two absolute paths.

    The text leads up to the directory that contains both ends, and from there down to
    the target by name, even if the link is below the target.

    Source: fs/kernfs/symlink.c kernfs_get_target_path(). Rule: R-SYSFS-6.
    """
    here, there = path.split("/")[:-1], target.split("/")
    shared = 0
    for one, other in zip(here, there[:-1], strict=False):
        if one != other:
            break
        shared += 1
    return Link("/".join([".."] * (len(here) - shared) + there[shared:]))
