"""The grammar of modprobe.d: files in, statements out.

Pure: this module knows lines, words and statements, and no meaning of any keyword. It
opens no file.

Source: modprobe.d(5); kmod, libkmod/libkmod-config.c, kmod_config_parse().
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = ["ENDING", "Statement", "statements"]

ENDING = ".conf"
"""End of the names of modprobe.d files."""


class Statement(NamedTuple):
    """One statement of a modprobe.d file."""

    keyword: str
    """``blacklist``, ``options``, ...; case-sensitive."""
    arguments: tuple[str, ...]
    """The other words."""
    path: str
    line: int
    """First line of the statement, from 1."""

    @property
    def text(self) -> str:
        """The statement with single blanks between its words."""
        return " ".join((self.keyword, *self.arguments))

    @property
    def where(self) -> str:
        """``/etc/modprobe.d/vfio.conf line 3``."""
        return f"{self.path} line {self.line}"


def statements(files: Iterable[tuple[str, bytes]]) -> Iterator[Statement]:
    """Yield the statements of files, in order.

    :param files: path and content of each file, in modprobe's order.
    """
    for path, data in files:
        for line, text in _lines(data):
            words = text.split()
            if words and not words[0].startswith("#"):
                yield Statement(words[0], tuple(words[1:]), path, line)


# First line number and text of each logical line. A backslash at the end of a line
# continues it on the next.
def _lines(data: bytes) -> Iterator[tuple[int, str]]:
    start, held = 1, ""
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        start = start if held else number
        if line.endswith("\\"):
            held += line[:-1] + " "
            continue
        yield start, held + line
        held = ""
