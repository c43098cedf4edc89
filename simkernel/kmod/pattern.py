"""Match shell patterns as fnmatch(3) of glibc does in the C locale, without flags."""

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


def matches(pattern: str, text: str) -> bool:
    """Tell whether the whole of ``text`` matches ``pattern``.

    ``*`` and ``?`` also match ``/`` and a leading dot; a backslash takes the next
    character literally; a ``[`` without ``]`` is an ordinary character.

    Source: fnmatch(3) with flags 0, as libkmod calls it.
    """
    return _compile(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compile(pattern: str) -> re.Pattern[str]:
    # Translation into a regular expression, kept because lookups repeat patterns.
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            parts.append(".*")
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
    return re.compile("".join(parts), re.DOTALL)


def _bracket(pattern: str, start: int) -> tuple[str, int]:
    # The expression for the bracket whose "[" is before `start`, and where it ends.
    at = start
    negated = pattern[at : at + 1] in ("!", "^")
    at += negated
    members: list[str] = []
    first = True
    while True:
        if at >= len(pattern):
            return re.escape("["), start
        if pattern[at] == "]" and not first:
            break
        first = False
        name = _class_name(pattern, at)
        if name is not None:
            members.append(_CLASSES.get(name, ""))
            at += len(name) + 4
            continue
        member, at = _member(pattern, at)
        members.append(member)
    body = "".join(members)
    if not body:
        return ("." if negated else _NOTHING), at + 1
    return f"[{'^' if negated else ''}{body}]", at + 1


def _class_name(pattern: str, at: int) -> str | None:
    # Name of the "[:name:]" at `at`, None if there is none.
    found = re.compile(r"\[:([a-z]+):\]").match(pattern, at)
    return found.group(1) if found else None


def _member(pattern: str, at: int) -> tuple[str, int]:
    # One character or range inside a bracket, and the position after it.
    low, at = _character(pattern, at)
    if pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in ("]", ""):
        high, at = _character(pattern, at + 1)
        if low <= high:
            return f"{re.escape(low)}-{re.escape(high)}", at
        return "", at
    return re.escape(low), at


def _character(pattern: str, at: int) -> tuple[str, int]:
    # The character at `at`, with the backslash before it taken off.
    if pattern[at] == "\\" and at + 1 < len(pattern):
        at += 1
    return pattern[at], at + 1
