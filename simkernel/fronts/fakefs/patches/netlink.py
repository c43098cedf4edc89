"""Sockets that hear the simulated kernel's uevents."""

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
    """A socket; one for uevents is an end of a real pair.

    So ``select`` and ``recv`` work on it. The kernel's events are sent into the other
    end; what does not fit is lost, as in the kernel.
    """

    log: UeventLog
    """Set by the class that stands in for ``socket.socket``."""

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
            # The machine's own network is none of the host's.
            raise OSError(EPROTONOSUPPORT, os.strerror(EPROTONOSUPPORT))
        if family != netlink:
            super().__init__(family, type, proto, fileno)
            return
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        super().__init__(fileno=near.detach())
        far.setblocking(False)
        self._other_end = far
        self.log.listeners.append(self._hear)

    def _hear(self, event: Uevent) -> None:
        if self._other_end is not None:
            with suppress(BlockingIOError):  # full: the listener missed it
                self._other_end.send(event.to_bytes())

    @property
    def hears_uevents(self) -> bool:
        """Whether it is a socket for uevents."""
        return self._other_end is not None

    def bind(self, address: Any) -> None:
        """Bind; a uevent socket hears the kernel without."""
        if self._other_end is None:
            super().bind(address)

    def close(self) -> None:
        """Close both ends."""
        other, self._other_end = self._other_end, None
        if other is not None:
            self.log.listeners.remove(self._hear)
            other.close()
        super().close()


def _select(
    real: Callable[..., Any],
    readers: Sequence[Any],
    writers: Sequence[Any],
    others: Sequence[Any],
    timeout: float | None = None,
) -> Any:
    """``select.select`` that does not wait for events which nobody can make.

    The kernel acts only when the program does; while its only thread waits for
    uevents, none will come.
    """
    for_events = readers and all(
        isinstance(one, _Socket) and one.hears_uevents for one in readers
    )
    alone = threading.active_count() == 1
    if timeout is not None and for_events and not writers and not others and alone:
        timeout = 0
    return real(readers, writers, others, timeout)


@contextmanager
def uevent_sockets(log: UeventLog) -> Iterator[None]:
    """Connect uevent sockets to a log while the block runs, and close them after."""
    real, before = socket.socket, list(log.listeners)
    real_select = select.select
    select.select = partial(_select, real_select)
    socket.socket = type("socket", (_Socket,), {"log": log})  # type: ignore[misc,assignment]  # stands in for it
    try:
        yield
    finally:
        select.select = real_select
        socket.socket = real  # type: ignore[misc]  # put back
        for listener in log.listeners[len(before) :]:
            owner = getattr(listener, "__self__", None)
            if isinstance(owner, _Socket):
                owner.close()
