"""Netlink sockets: uevents and addresses of the simulated kernel."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from errno import EPROTONOSUPPORT
from functools import partial
from typing import Any

from simkernel.filesystems.added import Address
from simkernel.fronts.fakefs.patches.rtnetlink import answers
from simkernel.model.core.uevent import Uevent, UeventLog

__all__ = ["netlink_sockets"]

_NETLINK_ROUTE, _NETLINK_KOBJECT_UEVENT = 0, 15
"""Source: include/uapi/linux/netlink.h."""


class _Socket(socket.socket):
    """A socket. A netlink socket is one end of a real socket pair.

    So ``select`` and ``recv`` work on it. The kernel sends to the other end. If its
    buffer is full, uevents are lost, as in Linux.
    """

    log: UeventLog
    addresses: Sequence[Address]
    """Both are set in the subclass that replaces ``socket.socket``."""

    def __init__(
        self,
        family: int = -1,
        type: int = -1,  # noqa: A002  # the name of the real one
        proto: int = -1,
        fileno: int | None = None,
    ) -> None:
        self._other_end: socket.socket | None = None
        netlink = getattr(socket, "AF_NETLINK", None)
        self._has_uevents = family == netlink and proto == _NETLINK_KOBJECT_UEVENT
        if family == netlink and proto not in (_NETLINK_ROUTE, _NETLINK_KOBJECT_UEVENT):
            # The host does not share the machine's network.
            raise OSError(EPROTONOSUPPORT, os.strerror(EPROTONOSUPPORT))
        if family != netlink:
            super().__init__(family, type, proto, fileno)
            return
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(fileno=near.detach())
        far.setblocking(False)
        self._other_end = far
        if self._has_uevents:
            self.log.listeners.append(self._send_event)

    def _send_event(self, event: Uevent) -> None:
        if self._other_end is not None:
            with suppress(BlockingIOError):  # slow listeners lose events, as in Linux
                self._other_end.send(event.to_bytes())

    @property
    def is_uevent_socket(self) -> bool:
        """Whether it receives uevents."""
        return self._has_uevents and self._other_end is not None

    def bind(self, address: Any) -> None:
        """Bind; a netlink socket needs no address."""
        if self._other_end is None:
            super().bind(address)

    def send(self, data: Any, flags: int = 0) -> int:
        """Send; the kernel answers a request for its addresses at once."""
        if self._other_end is None:
            return super().send(data, flags)
        if not self._has_uevents:
            for message in answers(bytes(data), self.addresses):
                self._other_end.send(message)
        return len(data)

    def sendto(self, data: Any, *more: Any) -> int:
        """Send; the kernel answers a request for its addresses at once."""
        if self._other_end is None:
            return super().sendto(data, *more)
        return self.send(data)

    def close(self) -> None:
        """Close both ends."""
        other, self._other_end = self._other_end, None
        if other is not None:
            if self._has_uevents:
                self.log.listeners.remove(self._send_event)
            other.close()
        super().close()


def _select(
    real: Callable[..., Any],
    readers: Sequence[Any],
    writers: Sequence[Any],
    others: Sequence[Any],
    timeout: float | None = None,
) -> Any:
    """``select.select``, but no wait for impossible uevents.

    The simulated kernel only runs in calls of the program. While the only thread waits
    for uevents, none can arrive.
    """
    waits_for_uevents = readers and all(
        isinstance(one, _Socket) and one.is_uevent_socket for one in readers
    )
    is_only_thread = threading.active_count() == 1
    if (
        timeout is not None
        and waits_for_uevents
        and not writers
        and not others
        and is_only_thread
    ):
        timeout = 0
    return real(readers, writers, others, timeout)


@contextmanager
def netlink_sockets(log: UeventLog, addresses: Sequence[Address]) -> Iterator[None]:
    """Connect new netlink sockets to a kernel while the block runs.

    Uevent sockets are closed at its end.

    :param addresses: of the host's interfaces.
    """
    real, before = socket.socket, list(log.listeners)
    real_select = select.select
    select.select = partial(_select, real_select)
    socket.socket = type("socket", (_Socket,), {"log": log, "addresses": addresses})  # type: ignore[misc,assignment]  # replaces it
    try:
        yield
    finally:
        select.select = real_select
        socket.socket = real  # type: ignore[misc]  # restored
        for listener in log.listeners[len(before) :]:
            owner = getattr(listener, "__self__", None)
            if isinstance(owner, _Socket):
                owner.close()
