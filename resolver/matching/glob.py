"""Glob patterns of aliases: literal prefix, rank and match.

A pattern means what ``fnmatch(3)`` of the GNU C library makes of it without flags:
modprobe matches aliases that way (kmod, shared/index.c). Brackets follow the C locale.
Pure: text in, values out.
"""

from __future__ import annotations

import re

__all__ = ["Glob", "compile_pattern", "matches", "wildcards"]

_SPECIAL = re.compile(r"[*?\[\\]")
_NOTHING = "(?!)"
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


class Glob:
    """A pattern, split into a literal prefix and the rest."""

    __slots__ = ("prefix", "tail", "wildcards")

    def __init__(self, pattern: str) -> None:
        special = _SPECIAL.search(pattern)
        end = special.start() if special else len(pattern)
        self.prefix: str = pattern[:end]
        """Text that every match starts with."""
        self.tail: str = pattern[end:]
        """The rest of the pattern."""
        self.wildcards: int = wildcards(self.tail)
        """Number of ``*``; fewer is a closer match."""


def wildcards(pattern: str) -> int:
    """Return the number of ``*`` of a pattern that are wildcards."""
    if "[" not in pattern and "\\" not in pattern:
        return pattern.count("*")
    return _expressions(pattern).count("*")


def matches(pattern: str, text: str) -> bool:
    """Return whether a pattern matches a whole text."""
    if not _SPECIAL.search(pattern):
        return pattern == text
    return compile_pattern(pattern).fullmatch(text) is not None


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return a pattern, or the tail of one, as a regular expression.

    The text between two ``*`` matches at its first place only. Without backtracking,
    no pattern takes exponential time.
    """
    segments = [""]
    for expression in _expressions(pattern):
        if expression == "*":
            segments.append("")
        else:
            segments[-1] += expression
    if len(segments) == 1:
        return re.compile(segments[0], re.DOTALL)
    first, *middle, last = segments
    body = "".join(
        f"(?=(?P<s{number}>.*?{segment}))(?P=s{number})"
        for number, segment in enumerate(middle)
        if segment
    )
    return re.compile(f"{first}{body}.*{last}", re.DOTALL)


# One regular expression for each character, and a bare "*" for each star.
def _expressions(pattern: str) -> list[str]:
    found, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            found.append("*")
        elif char == "?":
            found.append(".")
        elif char == "[":
            expression, at = _Bracket(pattern, at).read()
            found.append(expression)
        elif char == "\\":
            found.append(re.escape(pattern[at]) if at < len(pattern) else _NOTHING)
            at += 1
        else:
            found.append(re.escape(char))
    return found


class _Bracket:
    # One bracket expression, such as [2A], [!0-9] or [[:digit:]]. The C library reads
    # from left to right: a bad range or class matches nothing, but items before it
    # still match.

    def __init__(self, pattern: str, start: int) -> None:
        self.pattern = pattern
        self.start = start
        self.at = start
        self.items: list[str] = []
        self.broken = False

    # The regular expression, and the index after the bracket. Without a closing
    # bracket, "[" is a literal.
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

    # One character, which may have the form \c or [.c.]; None if there is none.
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
