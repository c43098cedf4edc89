"""Who has what open, and which addresses interfaces have."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct

from resolver.linux.reading import Files

__all__ = ["ipv4_addresses", "is_claimed", "open_nodes"]

_HEADER = struct.Struct("=IHHII")
"""Length, type, flags, sequence number, port. Source: netlink(7)."""
_ATTRIBUTE = struct.Struct("=HH")
_GET_ADDRESS, _DONE, _ERROR = 22, 3, 2
_REQUEST_DUMP = 0x301
_LOCAL, _LABEL = 2, 3
_IFADDRMSG_BYTES = 8


def open_nodes(files: Files, proc: str) -> dict[str, list[tuple[int, str]]]:
    """Return the processes that have files open.

    :return: by path of the file: pid and name of each process.
    """
    found: dict[str, list[tuple[int, str]]] = {}
    for pid in os.listdir(proc):
        if not pid.isdecimal() or int(pid) == os.getpid():
            continue
        for path in _open_files(files, f"{proc}/{pid}/fd"):
            with contextlib.suppress(OSError):
                name = files.attribute(f"{proc}/{pid}/comm") or "?"
                if (int(pid), name) not in found.setdefault(path, []):
                    found[path].append((int(pid), name))
    return found


# Sockets, pipes and the like have no path.
def _open_files(files: Files, directory: str) -> list[str]:
    try:
        targets = [
            files.link_target(f"{directory}/{n}") for n in files.names(directory)
        ]
    except OSError:
        return []  # The process ended, or is somebody else's.
    return [path for path in targets if path and path[0] == "/"]


def is_claimed(path: str) -> bool:
    """Return whether the kernel, or a process, has a block device for itself.

    Source: open(2), O_EXCL without O_CREAT.
    """
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
    except OSError as problem:
        return problem.errno == errno.EBUSY
    return False


def ipv4_addresses(name: str) -> tuple[str, ...]:
    """Return the IPv4 addresses of an interface of this network namespace.

    :raises OSError: the kernel cannot be asked.

    Source: rtnetlink(7), RTM_GETADDR; Linux, include/uapi/linux/if_addr.h.
    """
    request = struct.pack("=BBBBI", socket.AF_INET, 0, 0, 0, 0)
    size = _HEADER.size + len(request)
    head = _HEADER.pack(size, _GET_ADDRESS, _REQUEST_DUMP, 1, 0)
    found: list[str] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as channel:
        channel.settimeout(5)
        channel.send(head + request)
        while _collect(channel.recv(1 << 16), name, found):
            pass
    return tuple(found)


# Whether there is more to come.
def _collect(data: bytes, name: str, found: list[str]) -> bool:
    while len(data) >= _HEADER.size:
        size, kind, *_ = _HEADER.unpack_from(data)
        if kind in (_DONE, _ERROR) or size < _HEADER.size:
            return False
        attributes = _attributes(data[_HEADER.size + _IFADDRMSG_BYTES : size])
        label = attributes.get(_LABEL, b"").rstrip(b"\0").decode("utf-8", "replace")
        local = attributes.get(_LOCAL, b"")
        if label.partition(":")[0] == name and len(local) == 4:
            found.append(socket.inet_ntoa(local))
        data = data[(size + 3) & ~3 :]
    return True


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        size, kind = _ATTRIBUTE.unpack_from(data)
        if size < _ATTRIBUTE.size:
            break
        found[kind] = data[_ATTRIBUTE.size : size]
        data = data[(size + 3) & ~3 :]
    return found
