"""Netlink sockets for the simulated kernel's uevents.

The machine's kernel sends its own uevents to every network namespace, except those of
other user namespaces: sockets there receive only what a program sends. So a helper
process makes the sockets in a network namespace of their own, and programs keep the
machine's network.
"""

from __future__ import annotations

import array
import os
import signal
import socket

from simkernel.fronts.fuse.inside import syscalls
from simkernel.fronts.fuse.inside.seccomp_filter import UEVENT_PROTOCOL

__all__ = ["UeventSockets"]


class UeventSockets:
    """Uevent sockets, made by a helper process.

    :param new_network: make them in a new network namespace; False: the programs have
        a private one already.
    :raises OSError: the kernel does not allow it.
    """

    def __init__(self, *, new_network: bool) -> None:
        self._here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        process = os.fork()
        if process == 0:
            self._here.close()
            os._exit(_make_sockets(there, new_network))
        there.close()

    def socket(self, kind: int) -> int:
        """Return a new uevent socket.

        :param kind: second argument of ``socket(2)``.
        :raises OSError: as ``socket(2)``.
        """
        self._here.send(array.array("i", [kind]))
        data, descriptors, _, _ = socket.recv_fds(self._here, 4, 1)
        if not descriptors:
            number = int.from_bytes(data, "little")
            raise OSError(number, os.strerror(number))
        return descriptors[0]


def _make_sockets(there: socket.socket, new_network: bool) -> int:
    """Make a socket for each request until the other end closes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if new_network:
        syscalls.unshare(syscalls.NEW_NETWORK)
    while request := there.recv(4):
        kind = int.from_bytes(request, "little")
        try:
            with socket.socket(socket.AF_NETLINK, kind, UEVENT_PROTOCOL) as made:
                socket.send_fds(there, [b"\0"], [made.fileno()])
        except OSError as error:
            there.send((error.errno or 255).to_bytes(4, "little"))
    return 0
