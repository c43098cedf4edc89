"""Match shell patterns as fnmatch(3) in the C locale."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

__all__ = ["matches"]

_CLASSES: Final = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "\\x21-\\x7e",
    "lower": "a-z",
    "print": "\\x20-\\x7e",
    "punct": "\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e",
    "space": " \\t\\n\\r\\f\\v",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_NOTHING: Final = "(?!)"
# glibc takes no name with a "z" in it for that of a class.
_CLASS: Final = re.compile(r"\[:([a-y]+):\]")


def matches(pattern: str, text: str) -> bool:
    """Tell whether the whole of ``text`` matches ``pattern``.

    ``*`` and ``?`` also match ``/`` and a leading dot; a backslash takes the next
    character literally; a ``[`` without ``]`` is an ordinary character. Collating
    symbols, ``[.x.]`` and ``[=x=]``, are not understood and match nothing.

    Source: fnmatch(3) with flags 0, as libkmod calls it.
    """
    return _compile(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compile(pattern: str) -> re.Pattern[str]:
    # Translation into a regular expression, kept because lookups repeat patterns.
    # What stands between two stars is taken where it comes first, and nowhere else
    # after: no pattern takes exponential time.
    segments = [""]
    for part in _parts(pattern):
        if part == "*":
            segments.append("")
        else:
            segments[-1] += part
    if len(segments) == 1:
        return re.compile(segments[0], re.DOTALL)
    first, *middle, last = segments
    body = "".join(
        f"(?=(?P<s{number}>.*?{segment}))(?P=s{number})"
        for number, segment in enumerate(middle)
    )
    return re.compile(f"{first}{body}.*{last}", re.DOTALL)


def _parts(pattern: str) -> list[str]:
    # An expression for each thing that matches one character, a bare "*" for a star.
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            parts.append("*")
        elif char == "?":
            parts.append(".")
        elif char == "\\":
            parts.append(re.escape(pattern[at]) if at < len(pattern) else _NOTHING)
            at += 1
        elif char == "[":
            expression, at = _bracket(pattern, at)
            parts.append(expression)
        else:
            parts.append(re.escape(char))
    return parts


def _bracket(pattern: str, start: int) -> tuple[str, int]:
    # The expression for the bracket whose "[" is before `start`, and where it ends.
    # glibc gives up at what it cannot read, unless a member before that has matched.
    at = start
    negated = pattern[at : at + 1] in ("!", "^")
    at += negated
    members = ""
    first = True
    while at < len(pattern):
        if pattern[at] == "]" and not first:
            return _members_expression(members, negated), at + 1
        first = False
        found = _member(pattern, at)
        if found is None:
            end = _end_of_bracket(pattern, at)
            readable = end is not None and not negated and members
            return (f"[{members}]" if readable else _NOTHING), end or len(pattern)
        member, at = found
        members += member
    return re.escape("["), start


def _members_expression(members: str, negated: bool) -> str:
    if not members:
        return "." if negated else _NOTHING
    return f"[{'^' if negated else ''}{members}]"


def _end_of_bracket(pattern: str, at: int) -> int | None:
    # Where the bracket ends of which the member at `at` cannot be read.
    while at < len(pattern):
        if pattern[at] == "]":
            return at + 1
        found = _CLASS.match(pattern, at)
        at = found.end() if found else at + 1 + (pattern[at] == "\\")
    return None


def _member(pattern: str, at: int) -> tuple[str, int] | None:
    # One class, range or character inside a bracket, and the position after it.
    found = _CLASS.match(pattern, at)
    if found is not None:
        members = _CLASSES.get(found[1])
        return None if members is None else (members, found.end())
    low = _character(pattern, at)
    if low is None or pattern.startswith(("[.", "[="), at):
        return None
    at += len(low)
    if pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] != "]":
        high = _character(pattern, at + 1)
        if high is None:
            return None
        at += 1 + len(high)
        if low[-1] > high[-1]:
            return "", at
        return f"{re.escape(low[-1])}-{re.escape(high[-1])}", at
    return re.escape(low[-1]), at


def _character(pattern: str, at: int) -> str | None:
    # The character at `at`, with the backslash before it; None at the end.
    text = pattern[at : at + 2]
    if not text.startswith("\\"):
        return text[:1] or None
    return text if len(text) == 2 else None
