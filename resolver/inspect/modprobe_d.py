"""The grammar of modprobe.d: files in, statements out.

Pure: this module knows lines, words and statements, and no meaning of any keyword. It
opens no file. Blanks are the space and the tab only: a carriage return, a form feed or
a no-break space is part of a word.

Source: modprobe.d(5); kmod 30, libkmod/libkmod-config.c, kmod_config_parse().
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = [
    "ENDINGS",
    "Statement",
    "is_configuration",
    "normalized",
    "softdep_lists",
    "statements",
]

ENDINGS = (".conf", ".alias")
"""Ends of the names of modprobe.d files."""

_BLANKS = "\t "
_SPACES = " \t\n\v\f\r"
_NEED_TEXT = frozenset({"options", "install", "remove", "softdep"})


class Statement(NamedTuple):
    """One statement of a modprobe.d file."""

    keyword: str
    """``blacklist``, ``options``, ...; case-sensitive."""
    name: str
    """Module or alias, with ``_`` for ``-`` outside brackets; may be a pattern."""
    rest: str
    """The text after the name; for ``alias``, the module."""
    path: str
    line: int
    """First line of the statement, from 1."""
    text: str
    """The statement with single blanks between its words."""

    @property
    def where(self) -> str:
        """``/etc/modprobe.d/vfio.conf line 3``."""
        return f"{self.path} line {self.line}" if self.line else self.path


def is_configuration(name: str) -> bool:
    """Return whether modprobe reads a file of this name in modprobe.d.

    Source: kmod 30, libkmod/libkmod-config.c, conf_files_filter_out().
    """
    return not name.startswith(".") and name.endswith(ENDINGS)


def statements(files: Iterable[tuple[str, bytes]]) -> Iterator[Statement]:
    """Yield the statements that modprobe understands, in order.

    It ignores a statement without an argument that its keyword needs.

    :param files: path and content of each file, in modprobe's order.
    """
    for path, data in files:
        for line, text in _lines(data.decode("utf-8", "surrogateescape")):
            if not text.startswith("#"):
                yield from _statement(text, path, line)


def _statement(line: str, path: str, number: int) -> Iterator[Statement]:
    keyword, rest = _word(line)
    word, rest = _word(rest)
    name = normalized(word)
    if keyword == "alias":
        rest = normalized(_word(rest)[0]) or ""
    if not name or (not rest and (keyword == "alias" or keyword in _NEED_TEXT)):
        return
    yield Statement(keyword, name, rest, path, number, " ".join(line.split()))


def normalized(word: str) -> str | None:
    """Return a name with ``_`` for ``-`` outside brackets.

    ``None``: a bracket has no partner.

    Source: kmod 30, shared/util.c, alias_normalize().
    """
    found, is_inside = [], False
    for char in word:
        if char == "]" and not is_inside:
            return None
        if char in "[]":
            is_inside = char != "]"
        found.append("_" if char == "-" and not is_inside else char)
    return None if is_inside else "".join(found)


def softdep_lists(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names after ``pre:`` and those after ``post:``.

    One blank before the first word belongs to the word, so that it is no keyword.

    Source: kmod 30, libkmod/libkmod-config.c, kmod_config_add_softdep().
    """
    for char in _SPACES[1:]:
        text = text.replace(char, " ")
    words = [word for word in text.split(" ") if word]
    if words and text[0] == " " and text[1] != " ":
        words[0] = f" {words[0]}"
    lists: dict[str, list[str]] = {"pre:": [], "post:": []}
    current: list[str] = []
    for word in words:
        if word in lists:
            current = lists[word]
        else:
            current.append(word)
    return tuple(lists["pre:"]), tuple(lists["post:"])


# First line number and text of each logical line. A backslash joins a line to the next
# one, and disappears before any other character. At the end of the file it leaves the
# byte that the end-of-file value becomes.
# Source: kmod 30, shared/util.c, freadline_wrapped().
def _lines(text: str) -> Iterator[tuple[int, str]]:
    if "\\" not in text:
        for number, line in enumerate(text.split("\n"), 1):
            yield number, line.partition("\0")[0]
        return
    number = start = 1
    line = ""
    characters = iter(text)
    for char in characters:
        is_escaped = char == "\\"
        if is_escaped:
            char = next(characters, "\udcff")
        number += char == "\n"
        if char != "\n":
            line += char
        elif not is_escaped:
            yield start, line.partition("\0")[0]
            start, line = number, ""
    yield start, line.partition("\0")[0]


# The first word, and the text after the one blank that ends it. Source: strtok_r(3).
def _word(text: str) -> tuple[str, str]:
    text = text.lstrip(_BLANKS)
    ends = [at for at in map(text.find, _BLANKS) if at >= 0]
    end = min(ends, default=len(text))
    return text[:end], text[end + 1 :]
