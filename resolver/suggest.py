"""Suggest the name that a misspelled word was meant to be."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["did_you_mean"]


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the hint ``did you mean NAME?`` for the closest name.

    Case does not matter, nor ``-`` for ``_``. A name that starts with the word
    also counts as close.

    :param word: the unknown name, as the user wrote it.
    :param known: all valid names.
    :param otherwise: the hint if no name is close.
    """
    # Costs every command that succeeds nothing.
    from difflib import get_close_matches

    folded = {name.lower().replace("-", "_"): name for name in sorted(known)}
    typed = word.lower().replace("-", "_")
    close = get_close_matches(typed, folded, n=1)
    close = close or [name for name in folded if typed and name.startswith(typed)]
    return f"did you mean {folded[close[0]]}?" if close else otherwise
