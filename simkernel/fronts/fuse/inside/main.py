"""Make the namespaces and start their init process.

Then this process only waits for the init process.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import suppress

from simkernel.fronts.fuse.inside import syscalls
from simkernel.fronts.fuse.inside.channel import Channel
from simkernel.fronts.fuse.inside.init import InitProcess
from simkernel.fronts.fuse.inside.namespaces import enter_user_namespace
from simkernel.fronts.fuse.inside.steps import StepError, step

__all__ = ["main"]

_TERMINAL_SIGNALS = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
)
"""Ignored here: a terminal sends them to the command as well, which handles them."""


def main() -> None:
    """Make the namespaces, and wait until the channel closes.

    ``argv[1]`` is the number of the channel's descriptor.
    """
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    os.set_inheritable(channel.fileno(), False)
    for number in _TERMINAL_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    umask = os.umask(0o022)
    os.chdir("/")
    try:
        device = _open_device()
        channel.send({"type": "device"}, [device])
        with step("create mount and PID namespaces"):
            syscalls.unshare(syscalls.NEW_MOUNTS | syscalls.NEW_PIDS)
        init = os.fork()
        if init == 0:
            syscalls.die_with_parent()
            InitProcess(channel, device, umask).run()
            os._exit(0)
    except StepError as error:
        with suppress(ConnectionError):  # the kernel's end is closed
            channel.send({"type": "failed", "step": error.step, "errno": error.errno})
        os._exit(1)
    except ConnectionError:
        os._exit(1)  # the kernel's end is closed
    channel.close()
    os.close(device)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(init, 0)[1]) & 0xFF)


def _open_device() -> int:
    """Open ``/dev/fuse`` in the user namespace that mounts it."""
    with step("create a user namespace"):
        enter_user_namespace()
    with step("open /dev/fuse"):
        return os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
