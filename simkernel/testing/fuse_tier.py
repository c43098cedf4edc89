"""The fuse tier of the test kit: any program, in its own process."""

from __future__ import annotations

import subprocess
from contextlib import AbstractContextManager
from functools import cache

from simkernel.errors import SimkernelError
from simkernel.fronts.fuse.host import FuseHost
from simkernel.fronts.tracing.trace import Trace
from simkernel.host.host import Host
from simkernel.model.kernel import Kernel
from simkernel.testing.running_program import RunningProgram
from simkernel.testing.tier import RunRequest

__all__ = ["FuseTier", "missing"]


@cache
def missing() -> str:
    """Return why this machine does not support the fuse tier; empty: it does.

    The first call in a process starts a host to find out.
    """
    try:
        with FuseHost(lambda: Host(kernel=Kernel("6.1.0"), modules=(), files={})):
            return ""
    except SimkernelError as error:
        return str(error)


class FuseTier:
    """A host on the fuse tier.

    :raises UnavailableError: the machine does not support it.
    """

    name = "fuse"

    def __init__(self, host: Host, trace: Trace | None = None) -> None:
        self._host = FuseHost(lambda: host, trace)
        self._host.__enter__()

    def kernel_lock(self) -> AbstractContextManager[object]:
        """Hold the kernel lock, which programs wait for meanwhile."""
        return self._host.kernel_lock.change()

    def run(self, request: RunRequest) -> subprocess.CompletedProcess[str]:
        """Run a program to its end.

        :raises UsageError: no such program.
        :raises TimeoutExpired: the program exceeded its time limit, and was killed.
        """
        return self.start(request).wait(request.timeout_s)

    def start(self, request: RunRequest) -> RunningProgram:
        """Start a program."""
        return RunningProgram(self._host, request)

    def close(self) -> None:
        """End all programs on the host, and unmount it."""
        self._host.__exit__()
