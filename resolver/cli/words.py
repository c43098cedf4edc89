"""The words that name devices, from the command line and from stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

__all__ = ["with_stdin"]


def with_stdin(words: Iterable[str]) -> Iterator[str]:
    """Yield the words, and for ``-`` those on stdin: one a line, ``#`` begins none."""
    for word in words:
        if word != "-":
            yield word
            continue
        for line in sys.stdin.buffer:
            text = line.decode("utf-8", "surrogateescape").strip()
            if text and not text.startswith("#"):
                yield text
