"""Compares what changed in a host's tree with what a test says must change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from simkernel.testing.snapshot import Snapshot

__all__ = ["Expected", "complaint"]

Expected = Mapping[str, object]
"""Path to what it must hold afterwards: a text, None (gone), ``...`` (anything new).

A path may lead through links. ``*`` in it stands for anything, ``/`` too, and a ``/``
at its end for all that is below; such paths are for None and ``...`` only.
"""


def complaint(
    before: Snapshot, after: Snapshot, expected: Expected, ignore: Iterable[str] = ()
) -> str:
    """Return how the changes differ from those that a test expects; empty: not.

    :param ignore: paths as in :data:`Expected` at which anything may happen.
    """
    changed = before.changed(after)
    missed, covered = [], set()
    for path in ignore:
        covered.update(_matching(_settled(path, before, after), changed))
    for path, wanted in expected.items():
        meant = _settled(path, before, after)
        found = _matching(meant, changed)
        covered.update(found)
        missed += _misses(path, meant, wanted, found, after)
    others = [path for path in changed if path not in covered]
    parts = []
    if missed:
        parts.append("\n".join(["expected, but not so:", *missed]))
    if others:
        parts.append(f"changed, but not expected:\n{before.diff_of(after, others)}")
    return "\n".join(parts)


def _settled(path: str, before: Snapshot, after: Snapshot) -> str:
    """Return a path or pattern without links on its way.

    Links lead where they do afterwards; before, if they are gone.
    """
    folder = re.match(r"[^*?\[]*/", path)
    if folder is None or folder[0] == "/":
        return path
    rest = path[folder.end() :]
    for snapshot in (after, before):
        real = snapshot.real(f"{folder[0]}.")
        if f"{real}/" in snapshot:
            return f"{real}/{rest}"
    return path


def _matching(meant: str, changed: Iterable[str]) -> list[str]:
    if meant.endswith("/"):
        return [path for path in changed if path.startswith(meant)]
    return [path for path in changed if path == meant or fnmatchcase(path, meant)]


def _misses(
    path: str, meant: str, wanted: object, found: list[str], after: Snapshot
) -> list[str]:
    """Return lines about what is not as one entry of the expected ones wants it."""
    if isinstance(wanted, str):
        text = after.get(meant)
        if meant in found and text is not None and _holds(text, wanted):
            return []
        is_now = "it is not there" if text is None else f"it holds {_short(text)}"
        still = "" if meant in found else ", and did not change"
        return [f"  {path}: {wanted}: {is_now}{still}"]
    if not found:
        return [f"  {path}: nothing changed there"]
    if wanted is None:
        return [f"  {path}: gone: {one} is there" for one in found if one in after]
    return []


def _holds(text: str, wanted: str) -> bool:
    """Tell whether a file or link holds a text; of a link the last name will do."""
    if text.startswith("-> "):
        return wanted in (text, text[3:], text.rpartition("/")[2])
    return text.removesuffix("\n") == wanted.removesuffix("\n")


def _short(text: str) -> str:
    return repr(text if len(text) < 200 else f"{text[:200]}...")
