"""Whose the device nodes are: as udev's rules say, until the kernel takes a node away.

Files of the kernel's own keep the owner and the mode that the kernel gives them.
"""

from __future__ import annotations

from errno import EPERM

from simkernel.model.uevent import Uevent
from simkernel.sysfs.node import CharacterDevice, Node

__all__ = ["Owners"]


class Owners:
    """What ``chmod`` and ``chown`` have changed."""

    def __init__(self) -> None:
        self._changed: dict[str, dict[str, int]] = {}
        """Fields of ``struct stat`` by path."""

    def of(self, path: str) -> dict[str, int]:
        """Return the fields of a path that are not as the kernel made them."""
        return self._changed.get(path, {})

    def change(self, path: str, node: Node, changes: dict[str, int]) -> None:
        """Change fields of a device node.

        :raises OSError: EPERM, it is none.
        """
        if not isinstance(node, CharacterDevice):
            raise OSError(EPERM, "Operation not permitted")
        self._changed.setdefault(path, {}).update(changes)

    def hear(self, event: Uevent) -> None:
        """Forget a node that the kernel takes away."""
        name = dict(event.variables).get("DEVNAME")
        if event.action == "remove" and name is not None:
            self._changed.pop(f"/{name}", None)
