"""Nodes that the kernel model does not have: files, devices, processes.

Source: fs/proc/base.c, fs/proc/fd.c proc_fd_link(); drivers/base/devtmpfs.c.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

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
        if table := self._if_inet6():
            found["/proc/net/if_inet6"] = _file(table.encode(), size=0)
        return found

    def index_of(self, interface: str) -> int:
        """Return the index of an interface with addresses."""
        names = dict.fromkeys(one.interface for one in self.addresses)
        return list(names).index(interface) + 1

    def _if_inet6(self) -> str:
        """Return the table of IPv6 addresses; empty: there are none.

        Source: net/ipv6/addrconf.c if6_seq_show().
        """
        lines = []
        for one in self.addresses:
            address = ipaddress.ip_interface(one.address)
            if address.version == 6:
                scope = 0x20 if address.is_link_local else 0x10 * address.is_loopback
                lines.append(
                    f"{address.packed.hex()} {self.index_of(one.interface):02x} "
                    f"{address.network.prefixlen:02x} {scope:02x} 80 "
                    f"{one.interface:>8}\n"
                )
        return "".join(lines)

    def _link(self, kernel: Kernel, file: OpenFile) -> Link:
        return Link(file.path, lambda: self.node_of(kernel, file))

    def node_of(self, kernel: Kernel, file: OpenFile) -> Node | None:
        """Return the node of an open file; None: it is a regular file."""
        if file.device is not None:
            return file.device
        if file.path in self.devices:
            return self.devices[file.path]
        if not file.path.startswith("/dev/"):
            return None
        return devtmpfs(kernel).lookup(file.path.removeprefix("/dev/"))


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
