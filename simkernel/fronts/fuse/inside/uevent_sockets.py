"""Sockets that hear the simulated kernel's uevents, and only those.

The kernel proper sends uevents to every network namespace by itself, but for those of
user namespaces: there, only what is written to it is heard. So the sockets belong to a
network namespace of their own, in which a process makes them; programs keep their
network.
"""

from __future__ import annotations

import array
import os
import signal
import socket

from simkernel.fronts.fuse.inside import syscalls
from simkernel.fronts.fuse.inside.seccomp_filter import UEVENT_PROTOCOL

__all__ = ["Ears"]


class Ears:
    """Makes sockets in a network namespace in which nothing else is.

    :param own_network: False: the namespace of the programs is such a one.
    :raises OSError: the kernel does not allow it.
    """

    def __init__(self, *, own_network: bool) -> None:
        self._here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        process = os.fork()
        if process == 0:
            self._here.close()
            os._exit(_make_sockets(there, own_network))
        there.close()

    def socket(self, kind: int) -> int:
        """Return a new socket for uevents.

        :param kind: second argument of ``socket(2)``.
        :raises OSError: there can be none.
        """
        self._here.send(array.array("i", [kind]))
        data, descriptors, _, _ = socket.recv_fds(self._here, 4, 1)
        if not descriptors:
            number = int.from_bytes(data, "little")
            raise OSError(number, os.strerror(number))
        return descriptors[0]


def _make_sockets(there: socket.socket, own_network: bool) -> int:
    """Make a socket for each request, until nobody asks any more."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if own_network:
        syscalls.unshare(syscalls.NEW_NETWORK)
    while request := there.recv(4):
        kind = int.from_bytes(request, "little")
        try:
            with socket.socket(socket.AF_NETLINK, kind, UEVENT_PROTOCOL) as made:
                socket.send_fds(there, [b"\0"], [made.fileno()])
        except OSError as error:
            there.send((error.errno or 255).to_bytes(4, "little"))
    return 0
