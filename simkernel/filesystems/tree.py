"""A tree of nodes with the rules that hold for every file in it.

This is what a front mounts: look up, read, write. No front adds a rule.
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
"""Links that a path may lead through (include/linux/namei.h MAXSYMLINKS)."""


class Tree:
    """A root directory, and how its files are read and written.

    :param faults: failures that writes may meet.
    :param before_access: called before anything is looked up, read or written.
    :param after_write: called when a write was carried out.
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
        """Return the node of a path below the root; links on the way are not followed.

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
        """Return the node that a path below the root leads to, links followed.

        :param path: as for :meth:`walk`.
        """
        return self.walk(path, follow=follow)[1]

    def walk(self, path: str, *, follow: bool = True) -> tuple[list[str], Node | None]:
        """Return where a path leads, links followed: names from the root, and node.

        :param path: names separated by ``/``; ``..`` leads out of the directory that
            a link led into, as the system has it.
        :param follow: also a link at the very end.

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
                if isinstance(node, Link) and (pending or follow):
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
        """Let another process do what the scenario says; its failures are its own."""
        node = self.resolve(fault.path) if fault.path else None
        if isinstance(node, Attribute) and node.store is not None:
            with suppress(KernelRefusal):
                node.store(fault.data)

    def check_open(self, attribute: Attribute, *, reads: bool, writes: bool) -> None:
        """Refuse what the file's mode does not allow, to root as to anybody.

        :raises KernelRefusal: EACCES.

        Source: fs/kernfs/file.c kernfs_fop_open(). Rule: R-SYSFS-3.
        """
        unreadable = reads and not attribute.mode & 0o444
        if unreadable or (writes and not attribute.mode & 0o222):
            raise KernelRefusal(EACCES, "R-SYSFS-3")

    def read(self, attribute: Attribute) -> bytes:
        """Return the text of a file.

        :raises KernelRefusal: ENODEV, its object is gone; EIO, it cannot be read.

        Source: fs/kernfs/file.c kernfs_seq_start(). Rule: R-SYSFS-4.
        """
        if not attribute.alive():
            raise KernelRefusal(ENODEV, "R-SYSFS-4")
        if attribute.show is None:
            raise KernelRefusal(EIO, "R-SYSFS-5")
        return attribute.show()

    def write(self, attribute: Attribute, data: bytes) -> int:
        """Carry out one ``write(2)`` and return the number of bytes taken.

        No bytes are no write. What is longer than a page is cut. The file offset
        plays no part.

        :raises KernelRefusal: ENODEV, its object is gone; EIO, it cannot be written;
            else as the file's own rules say.

        Source: fs/kernfs/file.c kernfs_fop_write_iter(). Rules: R-SYSFS-1, R-SYSFS-2,
        R-SYSFS-4, R-SYSFS-5.
        """
        if not data:
            return 0
        data = bytes(data[:PAGE_SIZE])
        met = self.faults.next_write()
        for fault in met:
            self._interfere(fault)
            self.faults.inject(fault)
        if not attribute.alive():
            raise KernelRefusal(ENODEV, "R-SYSFS-4")
        if attribute.store is None:
            raise KernelRefusal(EIO, "R-SYSFS-5")
        attribute.store(data)
        self.after_write()
        return len(data)
