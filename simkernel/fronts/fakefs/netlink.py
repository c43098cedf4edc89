"""Sockets that hear the simulated kernel's uevents."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from simkernel.model.uevent import Uevent, UeventLog

__all__ = ["socket_class"]

_NETLINK_KOBJECT_UEVENT = 15
"""Source: include/uapi/linux/netlink.h."""


def socket_class(log: UeventLog) -> type[socket.socket]:
    """Return ``socket.socket`` with its uevent sockets connected to a log.

    Such a socket is one end of a real pair, so that ``select`` and ``recv`` work; the
    kernel's events are sent into the other end. What does not fit is lost, as in the
    kernel.
    """

    class Socket(socket.socket):
        def __init__(
            self,
            family: int = -1,
            type: int = -1,  # noqa: A002  # the name of the real one
            proto: int = -1,
            fileno: int | None = None,
        ) -> None:
            netlink = getattr(socket, "AF_NETLINK", None)
            self._other_end: socket.socket | None = None
            if family != netlink or proto != _NETLINK_KOBJECT_UEVENT:
                super().__init__(family, type, proto, fileno)
                return
            near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            super().__init__(fileno=near.detach())
            far.setblocking(False)
            self._other_end = far
            log.listeners.append(self._hear)

        def _hear(self, event: Uevent) -> None:
            if self._other_end is not None:
                with suppress(OSError):  # closed, or full: the listener missed it
                    self._other_end.send(event.to_bytes())

        def bind(self, address: Any) -> None:
            if self._other_end is None:
                super().bind(address)

    return Socket
