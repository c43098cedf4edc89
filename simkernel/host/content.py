"""A look at one file or directory of a scenario's host, without running anything."""

from __future__ import annotations

from errno import errorcode

from simkernel.errors import KernelRefusal, UsageError
from simkernel.filesystems.node import Attribute, CharacterDevice, Directory, Link
from simkernel.filesystems.tree import Tree
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
        _walk(tree, tree.root, f"/{top}", found)
    return found


def _walk(tree: Tree, node: Directory, path: str, found: dict[str, str]) -> None:
    for name in sorted(node.names()):
        child, place = node.child(name), f"{path}/{name}"
        if isinstance(child, Directory):
            found[f"{place}/"] = ""
            _walk(tree, child, place, found)
        elif isinstance(child, Link):
            found[place] = f"-> {child.target}"
        elif isinstance(child, CharacterDevice):
            found[place] = f"character device {child.mode:04o}"
        elif isinstance(child, Attribute):
            found[place] = _shown(tree, child, name)


def _shown(tree: Tree, attribute: Attribute, name: str) -> str:
    if attribute.show is None or name == "config":
        return f"mode {attribute.mode:04o}"
    try:
        return tree.read(attribute).decode("latin-1")
    except KernelRefusal as refusal:
        return errorcode.get(refusal.errno or 0, str(refusal.errno))
