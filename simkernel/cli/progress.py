"""A line that says what is being waited for, if a person looks at a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TextIO

__all__ = ["ProgressLine"]

_CLEAR = "\r\x1b[K"


class ProgressLine:
    """The last line of a terminal, which goes when the work is done.

    :param stream: where messages go; on what is no terminal, only notes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._text = ""

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.show("")

    def show(self, text: str) -> None:
        """Show what is being waited for; empty: nothing more."""
        if self._is_terminal and text != self._text:
            self._stream.write(f"{_CLEAR}{text}..." if text else _CLEAR)
            self._stream.flush()
        self._text = text

    def note(self, text: str) -> None:
        """Write a line that stays."""
        self.show("")
        self._stream.write(f"simkernel: {text}\n")
        self._stream.flush()
