"""Alias patterns: literal prefix, rank and match.

Patterns mean what they mean to ``fnmatch(3)`` of the GNU C library with no flags,
because depmod's indexes and modprobe treat them so (kmod, shared/index.c). Pure
text in, values out.
"""

from __future__ import annotations

import re

__all__ = ["Glob", "compile_pattern", "matches", "wildcards"]

_SPECIAL = re.compile(r"[*?\[\\]")
_NOTHING = "(?!)"


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
        """How many ``*`` it has; fewer is closer."""


def wildcards(pattern: str) -> int:
    """Return how many ``*`` of a pattern stand for any text."""
    if "[" not in pattern and "\\" not in pattern:
        return pattern.count("*")
    return _expressions(pattern).count("*")


def matches(pattern: str, text: str) -> bool:
    """Return whether a pattern describes the whole of a text."""
    return compile_pattern(pattern).fullmatch(text) is not None


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return a pattern, or the tail of one, as a regular expression.

    What stands between two ``*`` is matched where it is found first and is not
    looked for again, so that no pattern can take exponential time.
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


# One regular expression for each character to match, a bare "*" for each star.
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
            # Few aliases have brackets: no start-up waits for this.
            from resolver.matching.bracket import read_bracket

            expression, at = read_bracket(pattern, at)
            found.append(expression)
        elif char == "\\":
            found.append(re.escape(pattern[at]) if at < len(pattern) else _NOTHING)
            at += 1
        else:
            found.append(re.escape(char))
    return found
