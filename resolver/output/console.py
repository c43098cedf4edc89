"""The terminal: data to stdout, messages to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from resolver.errors import ResolverError
from resolver.linux import discard_stdout

__all__ = ["Console"]


class Console:
    """Output of a command.

    If the reader of stdout closes the pipe, as ``head`` does, the command continues.
    Further output is dropped, and ``is_unread`` is true.
    """

    def __init__(self) -> None:
        self.is_unread = False

    def write(self, text: str) -> None:
        """Print data."""
        if self.is_unread:
            return
        try:
            sys.stdout.write(text)
        except BrokenPipeError:
            self._give_up()

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
        print(line, file=sys.stderr)

    def error(self, error: ResolverError) -> None:
        """Print an error and its hint."""
        # Costs every command that succeeds nothing.
        from resolver.output.text import error_lines

        for line in error_lines(error):
            self.talk(line)

    def flush(self) -> None:
        """Write everything to stdout."""
        if self.is_unread:
            return
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            self._give_up()

    def _give_up(self) -> None:
        self.is_unread = True
        discard_stdout()
