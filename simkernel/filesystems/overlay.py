"""Overlay: read-only files of a scenario in the kernel's trees.

An entry of the kernel hides a file of the same path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from simkernel.filesystems.node import Attribute, Directory, Lifetime, Link, Node

__all__ = ["with_files"]


@dataclass(slots=True)
class _Folder:
    """Files, links and folders that a scenario adds to a directory."""

    folders: dict[str, _Folder] = field(default_factory=dict)
    files: dict[str, bytes | str] = field(default_factory=dict)


class _Overlaid(Directory):
    """A directory of the kernel with the entries that a scenario adds."""

    __slots__ = ("_added", "_own")

    def __init__(self, own: Directory, added: _Folder) -> None:
        super().__init__()
        self._own = own
        self._added = added

    def names(self) -> Iterator[str]:
        """Yield the names of all entries."""
        own = dict.fromkeys(self._own.names())
        yield from own | dict.fromkeys([*self._added.folders, *self._added.files])

    def child(self, name: str) -> Node | None:
        """Return the entry of a name; None: there is none."""
        node = self._own.child(name)
        folder = self._added.folders.get(name)
        if folder is not None and (node is None or isinstance(node, Directory)):
            return _Overlaid(node or Directory(), folder)
        if node is None and name in self._added.files:
            data = self._added.files[name]
            if isinstance(data, str):
                return Link(data)
            return Attribute(mode=0o444, show=lambda: data, size=len(data))
        return node

    def lifetime(self, name: str) -> Lifetime:
        """Return the lifetime of an existing entry."""
        return self._own.lifetime(name)


def with_files(root: Directory, files: Mapping[str, bytes | str]) -> Directory:
    """Return a directory with files and links added.

    :param files: path below the directory, ``a/b``, to the content of a file (bytes)
        or the target of a link (text).
    """
    if not files:
        return root
    added = _Folder()
    for path, data in files.items():
        *folders, name = path.split("/")
        place = added
        for folder in folders:
            place = place.folders.setdefault(folder, _Folder())
        place.files[name] = data
    return _Overlaid(root, added)
