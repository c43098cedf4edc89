"""Standard streams: data to stdout, messages to stderr, words from stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, TextIO

from resolver.errors import ResolverError, UsageError
from resolver.linux import discard

if TYPE_CHECKING:
    from resolver.inspect.visibility import Unseen

__all__ = ["Console", "is_terminal", "standard_input"]


class Console:
    """Output of a command.

    A stream may be closed or full, and its reader may go away, as ``head`` does. The
    command continues. Further data are dropped, and ``is_unread`` is true. Messages
    that cannot be printed are dropped.
    """

    def __init__(self) -> None:
        self.is_unread = False

    def write(self, text: str) -> None:
        """Print data."""
        if self.is_unread:
            return
        if sys.stdout is None:
            self._give_up("it is closed")
            return
        try:
            sys.stdout.write(text)
        except OSError as problem:
            self.lose(problem)

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines of data."""
        self.write("".join(f"{line}\n" for line in lines))

    def document(self, document: dict[str, object]) -> None:
        """Print a JSON document."""
        # Costs a tenth of the start of a command that prints text.
        import json

        self.write(json.dumps(document, indent=2) + "\n")

    def talk(self, line: str) -> None:
        """Print a message to stderr, after the data so far."""
        self.flush()
        self._say(line)

    def notes(self, unseen: Iterable[Unseen]) -> None:
        """Print the parts of the host that are not visible."""
        for one in unseen:
            self.talk(f"note: {one.text}: uses of devices may be overlooked")

    def error(self, error: ResolverError) -> None:
        """Print an error and its hint."""
        # Costs every command that succeeds nothing.
        from resolver.output.text import error_lines

        for line in error_lines(error):
            self.talk(line)

    def flush(self) -> None:
        """Write everything to stdout."""
        if self.is_unread or sys.stdout is None:
            return
        try:
            sys.stdout.flush()
        except OSError as problem:
            self.lose(problem)

    def lose(self, problem: OSError) -> None:
        """Drop further data, after a write of data has failed."""
        # The reader of a pipe that goes away has enough. That is no error.
        is_pipe = isinstance(problem, BrokenPipeError)
        self._give_up("" if is_pipe else problem.strerror or str(problem))
        discard(sys.stdout)

    def _give_up(self, reason: str) -> None:
        self.is_unread = True
        if reason:
            self._say(f"error: cannot write to stdout: {reason}")

    # print() writes to stdout if stderr is closed.
    def _say(self, line: str) -> None:
        if sys.stderr is None:
            return
        try:
            print(line, file=sys.stderr)
        except OSError:
            discard(sys.stderr)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a standard stream is open and a terminal."""
    with suppress(ValueError):  # the stream was closed in this process
        return stream is not None and stream.isatty()
    return False


def standard_input() -> BinaryIO:
    """Return the bytes of stdin.

    :raises UsageError: stdin is closed.
    """
    if sys.stdin is None:
        raise UsageError("cannot read stdin: it is closed")
    return sys.stdin.buffer
