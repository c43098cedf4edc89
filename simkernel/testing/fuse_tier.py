"""A test's host on the fuse tier: any program, as a process of its own."""

from __future__ import annotations

import subprocess
from contextlib import AbstractContextManager
from functools import cache

from simkernel.errors import SimkernelError
from simkernel.fronts.fuse.host import FuseHost
from simkernel.fronts.tracing.trace import Trace
from simkernel.host.host import Host
from simkernel.model.kernel import Kernel
from simkernel.testing.running import Running
from simkernel.testing.tier import Command

__all__ = ["FuseTier", "missing"]


@cache
def missing() -> str:
    """Return what keeps the fuse tier from this machine, and the way out; else nothing.

    A host is brought up to find out, once in each process.
    """
    try:
        with FuseHost(lambda: Host(kernel=Kernel("6.1.0"), modules=(), files={})):
            return ""
    except SimkernelError as error:
        return str(error)


class FuseTier:
    """A host on the fuse tier.

    :raises UnavailableError: the machine does not allow it.
    """

    name = "fuse"

    def __init__(self, host: Host, trace: Trace | None = None) -> None:
        self._place = FuseHost(lambda: host, trace)
        self._place.__enter__()

    def kernel_lock(self) -> AbstractContextManager[object]:
        """Hold the kernel lock, which programs wait for meanwhile."""
        return self._place.kernel_lock.change()

    def run(self, command: Command) -> subprocess.CompletedProcess[str]:
        """Run a program to its end.

        :raises UsageError: there is no such program.
        :raises TimeoutExpired: it took too long, and was killed.
        """
        return self.start(command).wait(command.timeout_s)

    def start(self, command: Command) -> Running:
        """Start a program."""
        return Running(self._place, command)

    def close(self) -> None:
        """Take the host down, and everything that still runs on it."""
        self._place.__exit__()
