"""Suggestions for misspelled names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean NAME?``, or an empty text if no name is close.

    The text ends an error message. A name is close if difflib finds it so, in upper or
    lower case, or if it starts with the word.

    :param word: the unknown name, as the user wrote it.
    :param known: all valid names.
    """
    folded = {name.lower(): name for name in known}
    typed = word.lower()
    close = get_close_matches(typed, folded, n=1)
    close = close or sorted(name for name in folded if typed and name.startswith(typed))
    return f"; did you mean {folded[close[0]]}?" if close else ""
