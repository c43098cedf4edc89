"""Split configuration text into lines and words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

__all__ = ["logical_lines", "next_word", "softdep_words"]

_BLANKS: Final = "\t "
_SPACES: Final = " \t\n\v\f\r"


def logical_lines(content: str) -> Iterator[tuple[int, str]]:
    """Yield the last physical line number and text of each line.

    A backslash joins lines, and before any other character it disappears.

    Source: shared/util.c freadline_wrapped().
    """
    number = joined = at = 0
    line = ""
    while at < len(content):
        char = content[at]
        at += 1
        if char == "\\":
            # At the end of the file, the end itself is stored as byte 0xff.
            char = content[at] if at < len(content) else "\udcff"
            at += 1
            if char == "\n":
                joined += 1
            else:
                line += char
        elif char == "\n":
            number += joined + 1
            yield number, line.partition("\0")[0]
            line, joined = "", 0
        else:
            line += char
    if line:
        yield number + joined + 1, line.partition("\0")[0]


def next_word(text: str) -> tuple[str | None, str]:
    """Return the first word and the rest after one blank.

    As strtok_r(3) cuts; ``None`` if there is no word.
    """
    text = text.lstrip(_BLANKS)
    if not text:
        return None, ""
    for at, char in enumerate(text):
        if char in _BLANKS:
            return text[:at], text[at + 1 :]
    return text, ""


def softdep_words(text: str) -> list[str]:
    """Return the words of a ``softdep`` line after the module.

    A single blank in front of the first word sticks to it, so that `` pre:`` is no
    keyword.

    Source: libkmod-config.c kmod_config_add_softdep().
    """
    for char in _SPACES[1:]:
        text = text.replace(char, " ")
    words = text.split()
    if words and text[0] == " " and text[1] != " ":
        words[0] = f" {words[0]}"
    return words
