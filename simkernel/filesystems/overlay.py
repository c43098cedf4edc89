"""Overlay: nodes of a scenario in the kernel's trees.

An entry of the kernel hides a node of the same path, except that directories merge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from simkernel.filesystems.node import Directory, Lifetime, Node

__all__ = ["with_nodes"]


@dataclass(slots=True)
class _Folder:
    """Nodes that a scenario adds to a directory."""

    folders: dict[str, _Folder] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)


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
        yield from own | dict.fromkeys([*self._added.folders, *self._added.nodes])

    def child(self, name: str) -> Node | None:
        """Return the entry of a name; None: there is none."""
        node = self._own.child(name)
        folder = self._added.folders.get(name)
        if folder is not None and (node is None or isinstance(node, Directory)):
            return _Overlaid(node or Directory(), folder)
        if node is None:
            return self._added.nodes.get(name)
        return node

    def lifetime(self, name: str) -> Lifetime:
        """Return the lifetime of an existing entry."""
        return self._own.lifetime(name)


def with_nodes(root: Directory, nodes: Mapping[str, Node]) -> Directory:
    """Return a directory with nodes added.

    :param nodes: nodes by their path below the directory, like ``a/b``; a directory
        is empty.
    """
    if not nodes:
        return root
    added = _Folder()
    for path, node in nodes.items():
        *folders, name = path.split("/")
        place = added
        for folder in [*folders, name] if isinstance(node, Directory) else folders:
            place = place.folders.setdefault(folder, _Folder())
        if not isinstance(node, Directory):
            place.nodes[name] = node
    return _Overlaid(root, added)
