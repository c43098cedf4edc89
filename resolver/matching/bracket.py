"""Bracket expressions of alias patterns: ``[2A]``, ``[!0-9]``, ``[[:digit:]]``.

Pure text in, regular expressions out.
"""

from __future__ import annotations

import re

__all__ = ["read_bracket"]

_CLASS = re.compile(r"\[:([a-y]*):\]")
_EQUIVALENT = re.compile(r"\[=(.)=\]", re.DOTALL)
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": "\\t ",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\t-\\r ",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_NOTHING = "(?!)"


def read_bracket(pattern: str, start: int) -> tuple[str, int]:
    """Return a bracket expression as a regular expression, and where it ends.

    One that is never closed is a literal ``[``.

    :param start: index after the ``[``.

    Source: fnmatch(3) of the GNU C library, in the C locale.
    """
    return _Bracket(pattern, start).read()


class _Bracket:
    # A range without end or a class that does not exist match nothing, yet what
    # stands before them counts: the C library looks from left to right.

    def __init__(self, pattern: str, start: int) -> None:
        self.pattern = pattern
        self.start = start
        self.at = start
        self.items: list[str] = []
        self.broken = False

    def read(self) -> tuple[str, int]:
        pattern = self.pattern
        negated = pattern[self.at : self.at + 1] in ("!", "^")
        self.at += negated
        first = self.at
        while pattern[self.at : self.at + 1] != "]" or self.at == first:
            if self.at >= len(pattern):
                return self._unclosed(), self.start
            if pattern.endswith("\\") and self.at == len(pattern) - 1:
                return _NOTHING, len(pattern)
            self._read_item()
        items = "".join(self.items)
        if negated:
            any_other = f"[^{items}]" if items else "."
            return (_NOTHING if self.broken else any_other), self.at + 1
        return (f"[{items}]" if items else _NOTHING), self.at + 1

    def _unclosed(self) -> str:
        bracket = re.escape("[")
        seen = self.items and re.match(f"[{''.join(self.items)}]", "[")
        return bracket if seen or not self.broken else _NOTHING

    def _read_item(self) -> None:
        pattern = self.pattern
        if named := _CLASS.match(pattern, self.at):
            self.at = named.end()
            self._add(_CLASSES.get(named[1]))
        elif same := _EQUIVALENT.match(pattern, self.at):
            self.at = same.end()
            self._add(re.escape(same[1]))
        else:
            self._read_range(self._read_character())

    def _read_range(self, low: str | None) -> None:
        pattern = self.pattern
        is_range = pattern[self.at : self.at + 1] == "-"
        if not is_range or pattern[self.at + 1 : self.at + 2] == "]":
            self._add(low and re.escape(low))
            return
        self.at += 1
        if self.at == len(pattern):
            self._add(low and re.escape(low))
            self._add(None)
            return
        high = self._read_character()
        if low is None or high is None:
            self._add(None)
        elif low <= high:
            self._add(f"{re.escape(low)}-{re.escape(high)}")

    # One character, which may be written \c or [.c.]; None if there is none.
    def _read_character(self) -> str | None:
        pattern, at = self.pattern, self.at
        if pattern.startswith("[.", at):
            end = pattern.find(".]", at + 2)
            self.at = end + 2 if end >= 0 else len(pattern)
            return pattern[at + 2] if end == at + 3 else None
        if pattern[at] == "\\":
            at += 1
        self.at = at + 1
        return pattern[at] if at < len(pattern) else None

    def _add(self, item: str | None) -> None:
        if item is None:
            self.broken = True
        elif not self.broken:
            self.items.append(item)
