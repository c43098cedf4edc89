"""Nodes that the kernel model does not have: files, devices, processes.

Source: fs/proc/base.c, fs/proc/fd.c proc_fd_link(); drivers/base/devtmpfs.c.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from simkernel.filesystems.devtmpfs import devtmpfs
from simkernel.filesystems.node import Attribute, DeviceNode, Directory, Link, Node
from simkernel.model.kernel import Kernel

__all__ = ["AddedNodes", "Address", "OpenFile", "Process", "files_and_links"]

_FIRST_DESCRIPTOR = 3
"""Below are standard input, output and error."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An open file of a process."""

    path: str
    """Path in the mount namespace of the process."""
    device: DeviceNode | None = None
    """The device node; None: the node with this path on the host, if it is one."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process with its open files."""

    pid: int
    name: str
    files: tuple[OpenFile, ...] = ()
    sockets: tuple[int, ...] = ()
    """Inode numbers."""


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address of a network interface."""

    interface: str
    address: str
    """Address and prefix length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedNodes:
    """Directories, device nodes, processes and addresses of a host."""

    directories: tuple[str, ...] = ()
    """Absolute paths of empty directories."""
    devices: Mapping[str, DeviceNode] = field(default_factory=dict)
    """Device nodes by absolute path."""
    processes: tuple[Process, ...] = ()
    addresses: tuple[Address, ...] = ()

    def nodes(self, kernel: Kernel) -> dict[str, Node]:
        """Return the nodes by absolute path."""
        found: dict[str, Node] = {path: Directory() for path in self.directories}
        found.update(self.devices)
        for process in self.processes:
            base = f"/proc/{process.pid}"
            found[f"{base}/comm"] = _file(f"{process.name}\n".encode(), size=0)
            found[f"{base}/fd"] = Directory()
            links = [self._link(kernel, one) for one in process.files]
            links += [Link(f"socket:[{inode}]") for inode in process.sockets]
            for number, link in enumerate(links, _FIRST_DESCRIPTOR):
                found[f"{base}/fd/{number}"] = link
        return found

    def _link(self, kernel: Kernel, file: OpenFile) -> Link:
        def on_host() -> Node | None:
            if file.path in self.devices:
                return self.devices[file.path]
            if not file.path.startswith("/dev/"):
                return None
            return devtmpfs(kernel).lookup(file.path.removeprefix("/dev/"))

        device = file.device
        find: Callable[[], Node | None] = on_host
        if device is not None:
            find = partial(_same, device)
        return Link(file.path, find)


def _same(node: Node) -> Node:
    return node


def files_and_links(
    files: Mapping[str, bytes], links: Mapping[str, str]
) -> dict[str, Node]:
    """Return read-only files and symbolic links by absolute path.

    :param files: contents.
    :param links: targets.
    """
    found: dict[str, Node] = {
        path: _file(data, size=len(data)) for path, data in files.items()
    }
    return found | {path: Link(target) for path, target in links.items()}


def _file(data: bytes, size: int) -> Attribute:
    return Attribute(mode=0o444, show=lambda: data, size=size)
