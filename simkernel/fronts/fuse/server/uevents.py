"""Transport of uevents to netlink sockets of programs."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

from simkernel.model.core.uevent import Uevent, UeventLog

__all__ = ["UeventSender"]

_HEADER = struct.Struct("=IHHII")
"""``struct nlmsghdr``: length, type, flags, sequence, port."""
_ANY_TYPE = 0x10
"""NLMSG_MIN_TYPE (include/uapi/linux/netlink.h)."""
_REQUEST = 1


class UeventSender:
    """Multicast of uevents in a network namespace.

    The machine's kernel sends them, and adds a ``SEQNUM`` of its own.

    Source: lib/kobject_uevent.c uevent_net_rcv_skb(), uevent_net_broadcast().

    :param log: the simulated kernel's uevents; sends those from now on.
    :param descriptor: a uevent socket of that namespace.
    """

    def __init__(self, log: UeventLog, descriptor: int) -> None:
        self._log = log
        self._socket = socket.socket(fileno=descriptor)
        log.listeners.append(self._send)

    def _send(self, event: Uevent) -> None:
        data = event.to_bytes()
        data = data[: data.rindex(b"SEQNUM=")]
        length = _HEADER.size + len(data)
        header = _HEADER.pack(length, _ANY_TYPE, _REQUEST, event.seqnum, 0)
        with suppress(BlockingIOError):  # slow listeners lose events, as in Linux
            self._socket.sendto(header + data, (0, 0))

    def close(self) -> None:
        """Stop sending."""
        self._log.listeners.remove(self._send)
        self._socket.close()
