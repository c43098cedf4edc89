"""Whether disks are claimed, and which addresses interfaces have."""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct

__all__ = ["ipv4_addresses", "is_claimed"]

_HEADER = struct.Struct("=IHHII")
"""Length, type, flags, sequence number, port. Source: netlink(7)."""
_ATTRIBUTE = struct.Struct("=HH")
_GET_ADDRESS, _DONE, _ERROR = 22, 3, 2
_REQUEST_DUMP = 0x301
_LOCAL, _LABEL = 2, 3
_IFADDRMSG_BYTES = 8
_CLAIM = os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC | os.O_NONBLOCK
"""O_NONBLOCK opens a drive without a medium, too, and closes no tray."""


def is_claimed(path: str, number: tuple[int, int]) -> bool | None:
    """Return whether the kernel or a process has a block device for itself.

    ``None``: that cannot be tested, because the node is missing, is another device's or
    may not be opened.

    :param number: major and minor of the block device.

    Source: open(2), O_EXCL without O_CREAT; Linux, block/bdev.c, bd_may_claim().
    """
    try:
        descriptor = os.open(path, _CLAIM)
    except OSError as problem:
        return True if problem.errno == errno.EBUSY else None
    try:
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    same = (os.major(found.st_rdev), os.minor(found.st_rdev)) == number
    return False if stat.S_ISBLK(found.st_mode) and same else None


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
