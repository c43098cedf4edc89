"""From a plain process to the first one of the namespaces.

This process waits for that one; it has no other part.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import suppress

from simkernel.fronts.fuse.inside import syscalls
from simkernel.fronts.fuse.inside.init import First
from simkernel.fronts.fuse.inside.namespaces import enter_user_namespace
from simkernel.fronts.fuse.inside.steps import StepError, step
from simkernel.fronts.fuse.sandbox.channel import Channel

__all__ = ["main"]

_COMMANDS_BUSINESS = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
)
"""A terminal sends them to all of its foreground; the command decides what comes."""


def main() -> None:
    """Make the namespaces; be there until the kernel's end of the channel closes.

    ``argv[1]`` is the number of the channel's descriptor.
    """
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    os.set_inheritable(channel.fileno(), False)
    for each in _COMMANDS_BUSINESS:
        signal.signal(each, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    umask = os.umask(0o022)
    os.chdir("/")
    try:
        device = _own_device()
        channel.send({"say": "device"}, [device])
        with step("move into mount and pid namespaces"):
            syscalls.unshare(syscalls.NEW_MOUNTS | syscalls.NEW_PIDS)
        first = os.fork()
        if first == 0:
            syscalls.die_with_parent()
            First(channel, device, umask).run()
            os._exit(0)
    except StepError as error:
        with suppress(ConnectionError):  # nobody wants to know any more
            channel.send({"say": "trouble", "step": error.step, "errno": error.errno})
        os._exit(1)
    except ConnectionError:
        os._exit(1)  # the kernel's end is gone
    channel.close()
    os.close(device)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) & 0xFF)


def _own_device() -> int:
    """Return ``/dev/fuse``, opened in a new user namespace, which may then mount it."""
    with step("move into a user namespace"):
        enter_user_namespace()
    with step("open /dev/fuse"):
        return os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
