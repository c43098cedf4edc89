"""A progress line on a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TextIO

__all__ = ["ProgressLine"]

_CLEAR = "\r\x1b[K"


class ProgressLine:
    """The last line of a terminal, erased when the work is done.

    :param stream: receives the line and the notes; no line if it is no terminal.
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
        """Show the current step; an empty text erases the line."""
        if self._is_terminal and text != self._text:
            self._stream.write(f"{_CLEAR}{text}..." if text else _CLEAR)
            self._stream.flush()
        self._text = text

    def note(self, text: str) -> None:
        """Write a line that is not erased."""
        self.show("")
        self._stream.write(f"simkernel: {text}\n")
        self._stream.flush()
