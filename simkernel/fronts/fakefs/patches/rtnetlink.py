"""Answers of the kernel's routing netlink: the addresses of interfaces.

Source: rtnetlink(7); net/ipv4/devinet.c inet_fill_ifaddr(); net/ipv6/addrconf.c
inet6_fill_ifaddr(); net/core/rtnetlink.c rtnetlink_rcv_msg().
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterator, Sequence
from errno import EOPNOTSUPP

from simkernel.filesystems.added import Address

__all__ = ["answers"]

_HEADER = struct.Struct("=IHHII")
"""Length, type, flags, sequence number, port. Source: netlink(7)."""
_NLMSG_ERROR, _NLMSG_DONE, _RTM_NEWADDR, _RTM_GETADDR = 2, 3, 20, 22
_NLM_F_MULTI, _NLM_F_DUMP = 0x2, 0x300
_IFA_ADDRESS, _IFA_LOCAL, _IFA_LABEL = 1, 2, 3
_IFA_F_PERMANENT = 0x80
_RT_SCOPE_UNIVERSE, _RT_SCOPE_LINK, _RT_SCOPE_HOST = 0, 253, 254


def answers(request: bytes, addresses: Sequence[Address]) -> Iterator[bytes]:
    """Yield the messages that answer a request.

    Any request but a dump of addresses fails with EOPNOTSUPP.

    :param request: one netlink message.
    """
    _, kind, flags, sequence, port = _HEADER.unpack_from(request)
    if kind != _RTM_GETADDR or flags & _NLM_F_DUMP != _NLM_F_DUMP:
        head = request[: _HEADER.size]
        error = struct.pack("=i", -EOPNOTSUPP) + head
        yield _message(_NLMSG_ERROR, 0, sequence, port, error)
        return
    family = request[_HEADER.size] if len(request) > _HEADER.size else 0
    names = list(dict.fromkeys(one.interface for one in addresses))
    for one in addresses:
        index = names.index(one.interface) + 1
        found, body = _address(one, index)
        if family in (socket.AF_UNSPEC, found):
            yield _message(_RTM_NEWADDR, _NLM_F_MULTI, sequence, port, body)
    yield _message(_NLMSG_DONE, _NLM_F_MULTI, sequence, port, struct.pack("=i", 0))


def _address(one: Address, index: int) -> tuple[int, bytes]:
    """Return the family of an address, and its ``ifaddrmsg`` with attributes."""
    interface = ipaddress.ip_interface(one.address)
    is_old = interface.version == 4
    family = socket.AF_INET if is_old else socket.AF_INET6
    scope = _RT_SCOPE_HOST if interface.is_loopback else _RT_SCOPE_UNIVERSE
    if interface.is_link_local:
        scope = _RT_SCOPE_LINK
    packed = interface.packed
    head = struct.pack(
        "=BBBBI", family, interface.network.prefixlen, _IFA_F_PERMANENT, scope, index
    )
    attributes = _attribute(_IFA_ADDRESS, packed)
    if is_old:
        attributes += _attribute(_IFA_LOCAL, packed)
        attributes += _attribute(_IFA_LABEL, one.interface.encode() + b"\0")
    return family, head + attributes


def _attribute(kind: int, value: bytes) -> bytes:
    size = 4 + len(value)
    return struct.pack("=HH", size, kind) + value + bytes(-size % 4)


def _message(kind: int, flags: int, sequence: int, port: int, body: bytes) -> bytes:
    size = _HEADER.size + len(body)
    return _HEADER.pack(size, kind, flags, sequence, port) + body
