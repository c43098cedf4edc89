"""Start of a command: from the request to ``execve``."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Sequence
from errno import ENOENT
from typing import Any, NoReturn

from simkernel.fronts.fuse.inside.channel import Channel, unpacked
from simkernel.fronts.fuse.inside.seccomp_filter import trap_system_calls
from simkernel.fronts.fuse.inside.steps import StepError, step

__all__ = ["CommandProcess"]


class CommandProcess:
    """A started process, with reports until its ``execve``.

    :param identity: number of the command outside the namespaces.
    :param descriptors: a memory file with the request, then standard input, output and
        error.
    :param umask: umask of the process.
    :param sysfs: device number that ``/sys`` must have.
    """

    def __init__(
        self, identity: int, descriptors: Sequence[int], umask: int, sysfs: int
    ) -> None:
        self.identity = identity
        self.failed: dict[str, Any] | None = None
        """Step and errno if the program could not be executed."""
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # This process ignores signals. Block them until the child has reset that.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self.process = os.fork()
        if self.process == 0:
            here.close()
            _execute_request(Channel(there), descriptors, umask, sysfs)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        there.close()
        for number in descriptors:
            os.close(number)
        self._channel = Channel(here)
        self.reports = self._channel.fileno()
        """Descriptor of the reports; -1 after the last one."""

    def receive_report(self) -> int | None:
        """Receive one report; return its seccomp listener, if any."""
        received = self._channel.receive()
        if received is None:
            self.reports = -1
            self._channel.detach()
            return None
        message, descriptors = received
        if descriptors:
            return descriptors[0]
        self.failed = message
        return None


def _execute_request(
    channel: Channel, descriptors: Sequence[int], umask: int, sysfs: int
) -> NoReturn:
    """Execute the program in this process.

    Nothing is executed unless ``/sys`` is the simulated one and calls are trapped.
    """
    try:
        request = unpacked(descriptors[0])
        for number, stream in enumerate(descriptors[1:]):
            os.dup2(stream, number)
        with step("trap system calls"):
            channel.send({"type": "listener"}, [trap_system_calls()])
        with step("see the simulated /sys"):
            if os.stat("/sys").st_dev != sysfs:
                raise StepError("see the simulated /sys", 0)
        with step(f"change to the directory {request['folder']}"):
            os.chdir(request["folder"])
        os.umask(umask)
        _restore_signals(request["ignored_signals"], request["blocked_signals"])
        with step(f"run {request['argv'][0]}"):
            _execute(request["argv"], request["search"], request["environment"])
    except StepError as error:
        channel.send({"step": error.step, "errno": error.errno})
    finally:
        os._exit(127)


def _restore_signals(ignored: list[int], blocked: list[int]) -> None:
    for number in signal.valid_signals():
        if number in (signal.SIGKILL, signal.SIGSTOP):
            continue
        action = signal.SIG_IGN if number in ignored else signal.SIG_DFL
        signal.signal(number, action)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _execute(
    argv: list[str], search: list[str], environment: dict[str, str]
) -> NoReturn:
    """Execute the first program of that name in the search path.

    :raises OSError: no program of that name can be executed.
    """
    refusal = OSError(ENOENT, os.strerror(ENOENT))
    names = [argv[0]] if "/" in argv[0] else [f"{one}/{argv[0]}" for one in search]
    for name in names:
        try:
            os.execve(name, argv, environment)  # noqa: S606  # the user's command
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            refusal = error
    raise refusal
