"""A command: from its description to its ``execve``."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Sequence
from errno import ENOENT
from typing import Any, NoReturn

from simkernel.fronts.fuse.inside.seccomp_filter import trap_system_calls
from simkernel.fronts.fuse.inside.steps import StepError, step
from simkernel.fronts.fuse.sandbox.channel import Channel, unpacked

__all__ = ["Command"]


class Command:
    """A process that was started, and what it reports until it runs its program.

    :param identity: the number by which the kernel's end knows it.
    :param descriptors: a memory file with what is to be run, and standard input,
        output and error.
    :param umask: of the new process.
    :param sysfs: device number that ``/sys`` must have.
    """

    def __init__(
        self, identity: int, descriptors: Sequence[int], umask: int, sysfs: int
    ) -> None:
        self.identity = identity
        self.failed: dict[str, Any] | None = None
        """Why its program does not run."""
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # This process ignores signals; until the new one does not, they wait.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self.process = os.fork()
        if self.process == 0:
            here.close()
            _become(Channel(there), descriptors, umask, sysfs)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        there.close()
        for number in descriptors:
            os.close(number)
        self._channel = Channel(here)
        self.reports = self._channel.fileno()
        """Descriptor to hear it at; -1: it says nothing more."""

    def hear(self) -> int | None:
        """Hear one report; return where its trapped calls come, if it says so."""
        heard = self._channel.receive()
        if heard is None:
            self.reports = -1
            self._channel.detach()
            return None
        message, descriptors = heard
        if descriptors:
            return descriptors[0]
        self.failed = message
        return None


def _become(
    channel: Channel, descriptors: Sequence[int], umask: int, sysfs: int
) -> NoReturn:
    """Run the program in this process.

    Nothing runs unless ``/sys`` is the simulated one and the calls are trapped.
    """
    try:
        wanted = unpacked(descriptors[0])
        for number, given in enumerate(descriptors[1:]):
            os.dup2(given, number)
        with step("trap system calls"):
            channel.send({"say": "listener"}, [trap_system_calls()])
        with step("see the simulated /sys"):
            if os.stat("/sys").st_dev != sysfs:
                raise StepError("see the simulated /sys", 0)
        with step(f"change to the directory {wanted['folder']}"):
            os.chdir(wanted["folder"])
        os.umask(umask)
        _restore_signals(wanted["ignored_signals"], wanted["blocked_signals"])
        with step(f"run {wanted['argv'][0]}"):
            _execute(wanted["argv"], wanted["search"], wanted["environment"])
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
    """Run the first program of a name that there is.

    :raises OSError: there is none, or it cannot be run.
    """
    refusal = OSError(ENOENT, os.strerror(ENOENT))
    names = [argv[0]] if "/" in argv[0] else [f"{one}/{argv[0]}" for one in search]
    for name in names:
        try:
            os.execve(name, argv, environment)  # noqa: S606  # what was asked for
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            refusal = error
    raise refusal
