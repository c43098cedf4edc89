"""Read the files of a host directly, without a tier."""

from __future__ import annotations

from errno import errorcode

from simkernel.errors import KernelRefusal, UsageError
from simkernel.filesystems.node import Attribute, DeviceNode, Directory, Link
from simkernel.filesystems.tree import Tree
from simkernel.filesystems.walk import walk
from simkernel.host.host import Host
from simkernel.suggest import did_you_mean

__all__ = ["read_path", "snapshot"]


def read_path(host: Host, path: str) -> str:
    """Return the names in a directory, or the text of a file.

    :raises UsageError: the path does not exist, or is write-only.
    """
    top = path.strip("/").split("/")[0]
    tree = host.trees().get(top)
    if tree is None:
        raise UsageError(f"cannot show {path}: not below /sys, /proc or /dev")
    node = tree.resolve(path.strip("/").partition("/")[2])
    if isinstance(node, Directory):
        return "".join(sorted(f"{name}\n" for name in node.names()))
    if isinstance(node, Attribute):
        if node.show is None:
            raise UsageError(f"cannot show {path}: write-only file")
        return tree.read(node).decode("latin-1")
    if isinstance(node, DeviceNode):
        return f"{_kind(node)} device {node.major}:{node.minor}\n"
    parent = tree.resolve(path.strip("/").partition("/")[2].rpartition("/")[0])
    names = parent.names() if isinstance(parent, Directory) else ()
    suggestion = did_you_mean(path.rstrip("/").rpartition("/")[2], names)
    raise UsageError(f"cannot show {path}: no such file or directory{suggestion}")


def snapshot(host: Host) -> dict[str, str]:
    """Return the content of every path by path.

    Write-only files and ``config`` show their mode. A file whose read fails shows the
    name of the errno.
    """
    found: dict[str, str] = {}
    for top, tree in host.trees().items():
        for path, node in walk(tree.root, f"/{top}", order=sorted):
            if isinstance(node, Directory):
                found[f"{path}/"] = ""
            elif isinstance(node, Link):
                found[path] = f"-> {node.target}"
            elif isinstance(node, DeviceNode):
                found[path] = f"{_kind(node)} device {node.mode:04o}"
            else:
                found[path] = _shown(tree, node, path)
    return found


def _kind(node: DeviceNode) -> str:
    return "block" if node.is_block else "character"


def _shown(tree: Tree, attribute: Attribute, path: str) -> str:
    if attribute.show is None or path.endswith("/config"):
        return f"mode {attribute.mode:04o}"
    try:
        return tree.read(attribute).decode("latin-1")
    except KernelRefusal as refusal:
        return errorcode.get(refusal.errno or 0, str(refusal.errno))
