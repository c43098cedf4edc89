"""A program that runs on a host while the test continues."""

from __future__ import annotations

import os
import subprocess
from signal import SIGKILL, SIGTERM
from threading import Thread
from types import TracebackType

from simkernel.fronts.fuse.host import FuseHost
from simkernel.fronts.fuse.sandbox.process import SandboxProcess
from simkernel.testing.tier import RunRequest

__all__ = ["RunningProgram"]

_AT_ONCE = 65536
"""Capacity of a pipe on Linux, in bytes."""


class RunningProgram:
    """A started program. Leaving the context kills it."""

    def __init__(self, place: FuseHost, request: RunRequest) -> None:
        source, self._out, self._err = _Input(request.input), _Output(), _Output()
        self._host = place
        self._argv = list(request.argv)
        self._process: SandboxProcess = place.start(
            self._argv,
            environment=request.env,
            folder=os.fspath(request.cwd),
            streams=(source.end, self._out.end, self._err.end),
        )
        for stream in (source, self._out, self._err):
            stream.begin()

    def __enter__(self) -> RunningProgram:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill the program if it still runs."""
        if self._process.returncode is None:
            self._process.send_signal(SIGKILL)
            self._process.wait()

    @property
    def is_running(self) -> bool:
        """Whether the program still runs."""
        return self._process.returncode is None

    def terminate(self) -> None:
        """Send the program SIGTERM."""
        self._process.send_signal(SIGTERM)

    def send_signal(self, number: int) -> None:
        """Send the program a signal."""
        self._process.send_signal(number)

    def wait(self, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
        """Wait for the program; return its exit code and output.

        :param timeout: time limit in seconds; None: no limit.
        :raises UsageError: no such program.
        :raises TimeoutExpired: the program exceeded the limit, and was killed.
        """
        if self._process.wait(timeout) is None:
            self.__exit__(None, None, None)
            assert timeout is not None
            raise subprocess.TimeoutExpired(
                self._argv, timeout, self._out.text(), self._err.text()
            )
        code = self._host.wait(self._process)
        return subprocess.CompletedProcess(
            self._argv, code, self._out.text(), self._err.text()
        )


class _Output:
    """A pipe from a program, read by a thread."""

    def __init__(self) -> None:
        self._read, self.end = os.pipe()
        self._data = bytearray()
        self._thread = Thread(target=self._collect, daemon=True)

    def begin(self) -> None:
        """Start reading; the program has inherited its end."""
        os.close(self.end)
        self._thread.start()

    def text(self) -> str:
        """Wait for the end of the output, and return it."""
        self._thread.join()
        return self._data.decode(errors="replace")

    def _collect(self) -> None:
        with open(self._read, "rb") as stream:
            while part := stream.read1(_AT_ONCE):
                self._data += part


class _Input:
    """A pipe to a program; without text it is at its end at once."""

    def __init__(self, text: str | None) -> None:
        self.end, self._write = os.pipe()
        self._data = (text or "").encode()

    def begin(self) -> None:
        """Start writing; the program has inherited its end."""
        os.close(self.end)
        Thread(target=self._send, daemon=True).start()

    def _send(self) -> None:
        try:
            with open(self._write, "wb", buffering=0) as stream:
                stream.write(self._data)
        except BrokenPipeError:
            return  # the program has closed its input
