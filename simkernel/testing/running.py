"""A program that runs on a host while its test goes on."""

from __future__ import annotations

import os
import subprocess
from signal import SIGKILL, SIGTERM
from threading import Thread
from types import TracebackType

from simkernel.fronts.fuse.host import FuseHost
from simkernel.fronts.fuse.sandbox.process import SandboxProcess
from simkernel.testing.tier import Command

__all__ = ["Running"]

_AT_ONCE = 65536
"""Bytes that a pipe holds, at most, as Linux makes it."""


class Running:
    """A program that was started; a context manager that ends it."""

    def __init__(self, place: FuseHost, command: Command) -> None:
        source, self._out, self._err = _Input(command.input), _Output(), _Output()
        self._place = place
        self._argv = list(command.argv)
        self._process: SandboxProcess = place.start(
            self._argv,
            environment=command.env,
            folder=os.fspath(command.cwd),
            streams=(source.end, self._out.end, self._err.end),
        )
        for stream in (source, self._out, self._err):
            stream.begin()

    def __enter__(self) -> Running:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the program if it still runs."""
        if self._process.returncode is None:
            self._process.send_signal(SIGKILL)
            self._process.wait()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.returncode is None

    def terminate(self) -> None:
        """Ask the program to end (SIGTERM)."""
        self._process.send_signal(SIGTERM)

    def send_signal(self, number: int) -> None:
        """Send the program a signal."""
        self._process.send_signal(number)

    def wait(self, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
        """Wait for the program's end and return how it ended and what it printed.

        :param timeout: seconds.
        :raises UsageError: there is no such program.
        :raises TimeoutExpired: it took longer, and was killed.
        """
        if self._process.wait(timeout) is None:
            self.__exit__(None, None, None)
            assert timeout is not None
            raise subprocess.TimeoutExpired(
                self._argv, timeout, self._out.text(), self._err.text()
            )
        code = self._place.wait(self._process)
        return subprocess.CompletedProcess(
            self._argv, code, self._out.text(), self._err.text()
        )


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
