"""Netlink sockets that receive the simulated kernel's uevents."""

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

from simkernel.model.core.uevent import Uevent, UeventLog

__all__ = ["uevent_sockets"]

_NETLINK_KOBJECT_UEVENT = 15
"""Source: include/uapi/linux/netlink.h."""


class _Socket(socket.socket):
    """A socket. A uevent socket is one end of a real socket pair.

    So ``select`` and ``recv`` work on it. Uevents are sent to the other end. If its
    buffer is full, they are lost, as in Linux.
    """

    log: UeventLog
    """Set in the subclass that replaces ``socket.socket``."""

    def __init__(
        self,
        family: int = -1,
        type: int = -1,  # noqa: A002  # the name of the real one
        proto: int = -1,
        fileno: int | None = None,
    ) -> None:
        self._other_end: socket.socket | None = None
        netlink = getattr(socket, "AF_NETLINK", None)
        if family == netlink and proto != _NETLINK_KOBJECT_UEVENT:
            # The host does not share the machine's network.
            raise OSError(EPROTONOSUPPORT, os.strerror(EPROTONOSUPPORT))
        if family != netlink:
            super().__init__(family, type, proto, fileno)
            return
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(fileno=near.detach())
        far.setblocking(False)
        self._other_end = far
        self.log.listeners.append(self._send_event)

    def _send_event(self, event: Uevent) -> None:
        if self._other_end is not None:
            with suppress(BlockingIOError):  # slow listeners lose events, as in Linux
                self._other_end.send(event.to_bytes())

    @property
    def is_uevent_socket(self) -> bool:
        """Whether it receives uevents."""
        return self._other_end is not None

    def bind(self, address: Any) -> None:
        """Bind; a uevent socket needs no address."""
        if self._other_end is None:
            super().bind(address)

    def close(self) -> None:
        """Close both ends."""
        other, self._other_end = self._other_end, None
        if other is not None:
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
def uevent_sockets(log: UeventLog) -> Iterator[None]:
    """Connect new uevent sockets to a log while the block runs.

    They are closed at its end.
    """
    real, before = socket.socket, list(log.listeners)
    real_select = select.select
    select.select = partial(_select, real_select)
    socket.socket = type("socket", (_Socket,), {"log": log})  # type: ignore[misc,assignment]  # replaces it
    try:
        yield
    finally:
        select.select = real_select
        socket.socket = real  # type: ignore[misc]  # restored
        for listener in log.listeners[len(before) :]:
            owner = getattr(listener, "__self__", None)
            if isinstance(owner, _Socket):
                owner.close()
