"""The terminal: data to stdout, talk to stderr, and readers that go away."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from resolver.errors import ResolverError
from resolver.linux import discard_stdout

__all__ = ["Console"]


class Console:
    """Where a command prints to.

    A reader of stdout that goes away, as ``head`` does, stops no work: what is
    printed after that is dropped, and ``is_unread`` says so.
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
        """Print data, a line each."""
        self.write("".join(f"{line}\n" for line in lines))

    def document(self, document: dict[str, object]) -> None:
        """Print a JSON document."""
        # Costs a tenth of the start of a command that prints text.
        import json

        self.write(json.dumps(document, indent=2) + "\n")

    def talk(self, line: str) -> None:
        """Say something about the work, in order with the data so far."""
        self.flush()
        print(line, file=sys.stderr)

    def error(self, error: ResolverError) -> None:
        """Say what went wrong, and what to do about it."""
        # Costs every command that succeeds nothing.
        from resolver.output.text import error_lines

        for line in error_lines(error):
            self.talk(line)

    def flush(self) -> None:
        """Hand everything over to the reader."""
        if self.is_unread:
            return
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            self._give_up()

    def _give_up(self) -> None:
        self.is_unread = True
        discard_stdout()
