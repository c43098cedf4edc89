"""A test's host on the fuse tier: any program, as a process of its own."""

from __future__ import annotations

import os
import subprocess
from contextlib import AbstractContextManager
from functools import cache
from signal import SIGKILL
from threading import Thread

from simkernel.errors import SimkernelError
from simkernel.fronts.fuse.host import FuseHost
from simkernel.fronts.trace import Trace
from simkernel.model.kernel import Kernel
from simkernel.scenario.host import Host
from simkernel.testing.tier import Command

__all__ = ["FuseTier", "missing"]

_AT_ONCE = 65536
"""Bytes that a pipe holds, at most, as Linux makes it."""


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

    def turn(self) -> AbstractContextManager[object]:
        """Keep programs from the kernel while a test deals with it."""
        return self._place.turn.changing()

    def run(self, command: Command) -> subprocess.CompletedProcess[str]:
        """Run a program to its end.

        :raises UsageError: there is no such program.
        :raises TimeoutExpired: it took too long, and was killed.
        """
        source, out, err = _Input(command.input), _Output(), _Output()
        argv = list(command.argv)
        process = self._place.start(
            argv,
            environment=command.env,
            folder=os.fspath(command.cwd),
            streams=(source.end, out.end, err.end),
        )
        for stream in (source, out, err):
            stream.begin()
        if process.wait(command.timeout_s) is None:
            process.send_signal(SIGKILL)
            process.wait()
            assert command.timeout_s is not None
            raise subprocess.TimeoutExpired(
                argv, command.timeout_s, out.text(), err.text()
            )
        code = self._place.wait(process)
        return subprocess.CompletedProcess(argv, code, out.text(), err.text())

    def close(self) -> None:
        """Take the host down, and everything that still runs on it."""
        self._place.__exit__()


class _Output:
    """A pipe from a program, read while it runs."""

    def __init__(self) -> None:
        self._read, self.end = os.pipe()
        self._data = bytearray()
        self._thread = Thread(target=self._collect, daemon=True)

    def begin(self) -> None:
        """Read; the program has its end by now."""
        os.close(self.end)
        self._thread.start()

    def text(self) -> str:
        """Wait for the end of the output and return it."""
        self._thread.join()
        return self._data.decode(errors="replace")

    def _collect(self) -> None:
        with open(self._read, "rb") as stream:
            while part := stream.read1(_AT_ONCE):
                self._data += part


class _Input:
    """A pipe to a program; without a text, it is at its end at once."""

    def __init__(self, text: str | None) -> None:
        self.end, self._write = os.pipe()
        self._data = (text or "").encode()

    def begin(self) -> None:
        """Write; the program has its end by now."""
        os.close(self.end)
        Thread(target=self._send, daemon=True).start()

    def _send(self) -> None:
        try:
            with open(self._write, "wb", buffering=0) as stream:
                stream.write(self._data)
        except BrokenPipeError:
            return  # the program does not want it
