"""A tree of nodes, with the rules of kernfs for every file.

Fronts show trees to programs. They add no rule.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from errno import EACCES, EIO, ENODEV

from simkernel.errors import KernelRefusal
from simkernel.filesystems.node import PAGE_SIZE, Attribute, Directory, Link, Node
from simkernel.model.core.faults import Fault, Faults

__all__ = ["Tree"]

_MOST_LINKS = 40
"""Most links in one path (include/linux/namei.h MAXSYMLINKS)."""


class Tree:
    """A root directory, and access to its files.

    :param faults: injected failures of writes.
    :param before_access: called before each look-up.
    :param after_write: called after each successful write.
    """

    __slots__ = ("after_write", "before_access", "faults", "root")

    def __init__(
        self,
        root: Directory,
        faults: Faults | None = None,
        before_access: Callable[[], None] = lambda: None,
        after_write: Callable[[], None] = lambda: None,
    ) -> None:
        self.root = root
        self.faults = faults or Faults()
        self.before_access = before_access
        self.after_write = after_write

    def lookup(self, path: str) -> Node | None:
        """Return the node at a path below the root, without following links.

        :param path: names separated by ``/``.
        """
        node: Node | None = self.root
        for name in path.split("/"):
            if not name:
                continue
            if not isinstance(node, Directory):
                return None
            node = node.child(name)
        return node

    def resolve(self, path: str, *, follow: bool = True) -> Node | None:
        """Return the node at a path below the root, following links.

        :param path: as for :meth:`follow`.
        """
        return self.follow(path, last=follow)[1]

    def follow(self, path: str, *, last: bool = True) -> tuple[list[str], Node | None]:
        """Return the names that lead to a path's node, and the node.

        :param path: names separated by ``/``; ``..`` after a link leaves the directory
            that the link leads to.
        :param last: also follow a link at the end of the path.

        Source: fs/namei.c link_path_walk().
        """
        self.before_access()
        pending = path.split("/")[::-1]
        names: list[str] = []
        trail: list[Node] = [self.root]
        links = 0
        while pending:
            name = pending.pop()
            if name == "..":
                names, trail = names[:-1], trail[:-1] or [self.root]
            elif name not in ("", "."):
                above = trail[-1]
                node = above.child(name) if isinstance(above, Directory) else None
                if isinstance(node, Link) and node.leads_to and (pending or last):
                    node = node.leads_to()
                if isinstance(node, Link) and (pending or last):
                    links += 1
                    if links > _MOST_LINKS:
                        return names, None
                    pending += node.target.split("/")[::-1]
                elif node is None:
                    return names, None
                else:
                    names.append(name)
                    trail.append(node)
        return names, trail[-1]

    def _interfere(self, fault: Fault) -> None:
        """Make the write of another process, and ignore its failure."""
        node = self.resolve(fault.path) if fault.path else None
        if isinstance(node, Attribute) and node.store is not None:
            with suppress(KernelRefusal):
                node.store(fault.data)

    def check_open(self, attribute: Attribute, *, reads: bool, writes: bool) -> None:
        """Refuse an open that the file's mode does not allow, even for root.

        :raises KernelRefusal: EACCES.

        Source: fs/kernfs/file.c kernfs_fop_open(). Rule: R-SYSFS-3.
        """
        unreadable = reads and not attribute.mode & 0o444
        if unreadable or (writes and not attribute.mode & 0o222):
            raise KernelRefusal(EACCES, "R-SYSFS-3")

    def read(self, attribute: Attribute) -> bytes:
        """Return the content of a file.

        :raises KernelRefusal: ENODEV, its object is removed; EIO, it has no show.

        Source: fs/kernfs/file.c kernfs_seq_start(). Rule: R-SYSFS-4.
        """
        if not attribute.alive():
            raise KernelRefusal(ENODEV, "R-SYSFS-4")
        if attribute.show is None:
            raise KernelRefusal(EIO, "R-SYSFS-5")
        return attribute.show()

    def write(self, attribute: Attribute, data: bytes) -> int:
        """Carry out one ``write(2)`` and return the number of bytes taken.

        A write of no bytes does nothing. A write longer than a page is cut. The file
        offset has no effect.

        :raises KernelRefusal: ENODEV, its object is removed; EIO, it has no store; else
            as the file's own rules say.

        Source: fs/kernfs/file.c kernfs_fop_write_iter(). Rules: R-SYSFS-1, R-SYSFS-2,
        R-SYSFS-4, R-SYSFS-5.
        """
        if not data:
            return 0
        data = bytes(data[:PAGE_SIZE])
        for fault in self.faults.next_write():
            self._interfere(fault)
            self.faults.inject(fault)
        if not attribute.alive():
            raise KernelRefusal(ENODEV, "R-SYSFS-4")
        if attribute.store is None:
            raise KernelRefusal(EIO, "R-SYSFS-5")
        attribute.store(data)
        self.after_write()
        return len(data)
