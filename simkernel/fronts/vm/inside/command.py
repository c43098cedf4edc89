"""A program in the guest, with its streams and signals on the channel."""

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
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126  # as a shell sets them


class Command:
    """A running program in its own session and process group.

    :param request: ``argv``, ``cwd``, ``environment``, and ``terminal``: rows and
        columns of its terminal, or None for pipes.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        size = request["terminal"]
        streams = self._terminal(size) if size else self._pipes()
        self.pid = os.fork()
        if self.pid == 0:
            _exec(request, streams)
        for one in set(streams):
            os.close(one)
        self.ended = os.pidfd_open(self.pid)
        self._pending = b""
        for one in (self.stdin, *self.outputs):
            os.set_blocking(one, False)

    def _pipes(self) -> tuple[int, int, int]:
        """Create the streams; return the program's ends."""
        source, self.stdin = os.pipe2(os.O_CLOEXEC)
        first, output = os.pipe2(os.O_CLOEXEC)
        second, errors = os.pipe2(os.O_CLOEXEC)
        self.outputs = {first: 1, second: 2}
        """Descriptors of its output and the stream number of each."""
        return source, output, errors

    def _terminal(self, size: list[int]) -> tuple[int, int, int]:
        master, slave = os.openpty()
        os.set_inheritable(master, False)
        self.stdin, self.outputs = os.dup(master), {master: 1}
        self.resize(size)
        return slave, slave, slave

    def resize(self, size: list[int]) -> None:
        """Resize the program's terminal to rows and columns."""
        fcntl.ioctl(self.stdin, termios.TIOCSWINSZ, struct.pack("4H", *size, 0, 0))

    def read(self, output: int) -> bytes:
        """Return available output; empty: none now, or end of output."""
        try:
            data = os.read(output, _PIECE)
        except BlockingIOError:
            return b""
        except OSError:  # EIO: no program has the terminal open any more
            data = b""
        if not data:
            os.close(output)
            del self.outputs[output]
        return data

    def feed(self, data: str) -> None:
        """Queue base64 text for standard input; empty: end of input.

        :meth:`flush` writes it when the program reads.
        """
        if not data:
            self.close_stdin()
        self._pending += base64.b64decode(data)

    @property
    def wants_input(self) -> bool:
        """Whether the program has read all input so far and may get more."""
        return self.stdin >= 0 and not self._pending

    @property
    def has_input(self) -> bool:
        """Whether queued input is still unread."""
        return self.stdin >= 0 and bool(self._pending)

    def flush(self) -> None:
        """Write as much queued input as the program accepts now."""
        try:
            self._pending = self._pending[os.write(self.stdin, self._pending) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self.close_stdin()

    def close_stdin(self) -> None:
        """Close standard input."""
        if self.stdin >= 0:
            os.close(self.stdin)
        self.stdin, self._pending = -1, b""

    def kill(self, number: int) -> None:
        """Send a signal to the program's process group."""
        try:
            os.killpg(self.pid, number)
        except (
            ProcessLookupError
        ):  # the group does not exist yet, or the program has ended
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def exit_code(self) -> int:
        """Wait for the program; return its exit code, 128 + N if signal N killed it."""
        _, status = os.waitpid(self.pid, 0)
        self.close_stdin()
        for one in (self.ended, *self.outputs):
            os.close(one)
        if os.WIFSIGNALED(status):
            return 128 + os.WTERMSIG(status)
        return os.WEXITSTATUS(status)


def _exec(request: dict[str, Any], streams: tuple[int, int, int]) -> None:
    """Become the program, in the forked process."""
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
        os.execvpe(what, argv, request["environment"])  # noqa: S606  # no shell
    except FileNotFoundError:
        reason, code = "not found", _NOT_FOUND
    except OSError as error:
        reason = error.strerror or "cannot run"
    os.write(2, f"simkernel: {what}: {reason}\n".encode())
    os._exit(code)
