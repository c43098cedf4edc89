"""A program that runs in the guest, with its streams and signals on the channel."""

from __future__ import annotations

import base64
import fcntl
import os
import signal
import struct
import termios
from contextlib import suppress
from typing import Any

__all__ = ["Command"]

_PIECE = 65536
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126  # as a shell has them


class Command:
    """A running program: a session and process group of its own.

    :param request: ``argv``, ``cwd`` and ``environment``; ``terminal``: rows and
        columns of the terminal that it gets, or None: it gets pipes.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        size = request["terminal"]
        streams = self._terminal(size) if size else self._pipes()
        self.pid = os.fork()
        if self.pid == 0:
            _become(request, streams)
        for one in set(streams):
            os.close(one)
        self.ended = os.pidfd_open(self.pid)
        self._pending = b""
        for one in (self.stdin, *self.outputs):
            os.set_blocking(one, False)

    def _pipes(self) -> tuple[int, int, int]:
        """Make the streams; return the ends that are the program's."""
        source, self.stdin = os.pipe2(os.O_CLOEXEC)
        first, output = os.pipe2(os.O_CLOEXEC)
        second, errors = os.pipe2(os.O_CLOEXEC)
        self.outputs = {first: 1, second: 2}
        """Descriptors that its output is read from, and the stream that each is."""
        return source, output, errors

    def _terminal(self, size: list[int]) -> tuple[int, int, int]:
        master, slave = os.openpty()
        os.set_inheritable(master, False)
        self.stdin, self.outputs = os.dup(master), {master: 1}
        self.resize(size)
        return slave, slave, slave

    def resize(self, size: list[int]) -> None:
        """Give the program's terminal a number of rows and columns."""
        fcntl.ioctl(self.stdin, termios.TIOCSWINSZ, struct.pack("4H", *size, 0, 0))

    def read(self, output: int) -> bytes:
        """Return what the program has written; empty: nothing now, or the end."""
        try:
            data = os.read(output, _PIECE)
        except BlockingIOError:
            return b""
        except OSError:  # a terminal that no program has open any more
            data = b""
        if not data:
            os.close(output)
            del self.outputs[output]
        return data

    def feed(self, data: str) -> None:
        """Take text for the standard input, in base64; empty: its end.

        The program gets it by :meth:`flush`, when it has room.
        """
        if not data:
            self.close_stdin()
        self._pending += base64.b64decode(data)

    @property
    def is_hungry(self) -> bool:
        """All that was fed has gone to the program, and it may have more."""
        return self.stdin >= 0 and not self._pending

    @property
    def is_fed(self) -> bool:
        """Something that was fed has not gone to the program yet."""
        return self.stdin >= 0 and bool(self._pending)

    def flush(self) -> None:
        """Give the program of its standard input what it takes now."""
        try:
            self._pending = self._pending[os.write(self.stdin, self._pending) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self.close_stdin()

    def close_stdin(self) -> None:
        """End the standard input."""
        if self.stdin >= 0:
            os.close(self.stdin)
        self.stdin, self._pending = -1, b""

    def kill(self, number: int) -> None:
        """Send a signal to the program and what it started in its group."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:  # its group is not there yet, or the program ended
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def exit_code(self) -> int:
        """Wait for the end; return the exit code: 128 and the signal if one did it."""
        _, status = os.waitpid(self.pid, 0)
        self.close_stdin()
        for one in (self.ended, *self.outputs):
            os.close(one)
        if os.WIFSIGNALED(status):
            return 128 + os.WTERMSIG(status)
        return os.WEXITSTATUS(status)


def _become(request: dict[str, Any], streams: tuple[int, int, int]) -> None:
    """Become the program, in the process that was forked for it."""
    argv, what, code = request["argv"], request["cwd"], _NOT_EXECUTABLE
    try:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        if request["terminal"]:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        for number in (signal.SIGPIPE, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(what)
        what = argv[0]
        os.execvpe(what, argv, request["environment"])  # noqa: S606  # no shell is wanted
    except FileNotFoundError:
        reason, code = "not found", _NOT_FOUND
    except OSError as error:
        reason = error.strerror or "cannot be run"
    os.write(2, f"simkernel: {what}: {reason}\n".encode())
    os._exit(code)
