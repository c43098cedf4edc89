"""Device nodes, processes and addresses: what uses devices."""

from __future__ import annotations

from dataclasses import dataclass

from simkernel.scenario.schema.patterns import NODE_NUMBER, PATH, text_field

__all__ = ["AddressEntry", "NodeEntry", "OpenFileEntry", "ProcessEntry"]

_NUMBER_MEANING = "major:minor, like 259:0"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEntry:
    """A device node that the kernel model does not make."""

    path: str = text_field(f"/dev{PATH}", "a path below /dev without . and ..")
    number: str = text_field(NODE_NUMBER, _NUMBER_MEANING)
    """Device number; no driver serves it."""
    type: str = text_field("block|char", "block or char", "char")
    claimed: bool = False
    """The kernel or a process has the block device for itself: opening it with
    ``O_EXCL`` fails with EBUSY."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFileEntry:
    """An open file of a process."""

    path: str = text_field(PATH, "an absolute path without . and ..")
    """Path in the mount namespace of the process."""
    number: str = text_field(f"(?:{NODE_NUMBER})?", _NUMBER_MEANING, "")
    """Device number. Default: that of the node ``path`` on the host, if it is one."""
    type: str = text_field("block|char", "block or char", "char")
    """Kind of the node with this ``number``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEntry:
    """A process."""

    pid: int
    name: str = text_field(r"[^\0\n]{1,15}", "one line of at most 15 characters")
    """Content of ``/proc/PID/comm``."""
    files: tuple[OpenFileEntry, ...] = ()
    """Open files; the first has the descriptor 3."""
    sockets: tuple[int, ...] = ()
    """Inode numbers of open sockets, as in ``/proc/net/packet``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressEntry:
    """An IP address of a network interface."""

    interface: str = text_field(r"[^/\s:{}]{1,15}", "an interface name")
    address: str
    """Address and prefix length, like ``192.0.2.5/24`` or ``2001:db8::5/64``."""
