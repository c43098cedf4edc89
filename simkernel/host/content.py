"""A look at one file or directory of a scenario's host, without running anything."""

from __future__ import annotations

from errno import errorcode

from simkernel.errors import KernelRefusal, UsageError
from simkernel.filesystems.node import Attribute, CharacterDevice, Directory, Link
from simkernel.filesystems.tree import Tree
from simkernel.filesystems.walk import walk
from simkernel.host.host import Host

__all__ = ["read_path", "snapshot"]


def read_path(host: Host, path: str) -> str:
    """Return the names in a directory, or the text of a file.

    :raises UsageError: there is no such path, or it cannot be read.
    """
    top = path.strip("/").split("/")[0]
    tree = host.trees().get(top)
    if tree is None:
        raise UsageError(f"{path}: a path below /sys, /proc or /dev is needed")
    node = tree.resolve(path.strip("/").partition("/")[2])
    if isinstance(node, Directory):
        return "".join(sorted(f"{name}\n" for name in node.names()))
    if isinstance(node, Attribute):
        if node.show is None:
            raise UsageError(f"{path}: cannot be read, only written")
        return tree.read(node).decode("latin-1")
    if isinstance(node, CharacterDevice):
        return f"character device {node.major}:{node.minor}\n"
    raise UsageError(f"{path}: no such file or directory")


def snapshot(host: Host) -> dict[str, str]:
    """Return every path of the host with what it holds: text, link target, or kind.

    Files that cannot be read, and ``config``, show only their mode; a file that
    refuses to be read shows the errno.
    """
    found: dict[str, str] = {}
    for top, tree in host.trees().items():
        for path, node in walk(tree.root, f"/{top}", order=sorted):
            if isinstance(node, Directory):
                found[f"{path}/"] = ""
            elif isinstance(node, Link):
                found[path] = f"-> {node.target}"
            elif isinstance(node, CharacterDevice):
                found[path] = f"character device {node.mode:04o}"
            else:
                found[path] = _shown(tree, node, path)
    return found


def _shown(tree: Tree, attribute: Attribute, path: str) -> str:
    if attribute.show is None or path.endswith("/config"):
        return f"mode {attribute.mode:04o}"
    try:
        return tree.read(attribute).decode("latin-1")
    except KernelRefusal as refusal:
        return errorcode.get(refusal.errno or 0, str(refusal.errno))
