"""Compares the changes of a host's trees with those that a test expects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from simkernel.suggest import did_you_mean
from simkernel.testing.snapshot import Snapshot

__all__ = ["Expected", "unexpected_changes"]

Expected = Mapping[str, object]
"""Path to its expected content: a text, None (gone), or ``...`` (any new content).

A path may contain links. ``*`` matches any text, also ``/``; a ``/`` at the end
matches everything below. Patterns accept only None and ``...``.
"""


def unexpected_changes(
    before: Snapshot, after: Snapshot, expected: Expected, ignore: Iterable[str] = ()
) -> str:
    """Return how the changes differ from the expected ones; empty: they match.

    :param ignore: paths as in :data:`Expected` that may change in any way.
    """
    changed = before.changed(after)
    missed, covered = [], set()
    for path in ignore:
        covered.update(_matching(_without_links(path, before, after), changed))
    for path, wanted in expected.items():
        meant = _without_links(path, before, after)
        found = _matching(meant, changed)
        covered.update(found)
        missed += _unmet(path, meant, wanted, found, (before, after))
    others = [path for path in changed if path not in covered]
    parts = []
    if missed:
        parts.append("\n".join(["expected, but missing:", *missed]))
    if others:
        parts.append(f"changed, but not expected:\n{before.diff_of(after, others)}")
    return "\n".join(parts)


def _without_links(path: str, before: Snapshot, after: Snapshot) -> str:
    """Resolve the links in a path or pattern, except at its end.

    Links are resolved in the later tree; links that are gone, in the earlier one.
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


def _unmet(
    path: str,
    meant: str,
    wanted: object,
    found: list[str],
    snapshots: tuple[Snapshot, Snapshot],
) -> list[str]:
    """Return the unmet parts of one expectation, one line each."""
    before, after = snapshots
    if isinstance(wanted, str):
        text = after.get(meant)
        if meant in found and text is not None and _matches(text, wanted):
            return []
        is_now = (
            _missing(meant, before, after) if text is None else f"it has {_short(text)}"
        )
        still = "" if meant in found else ", and did not change"
        return [f"  {path}: {wanted}: {is_now}{still}"]
    if not found:
        return [f"  {path}: unchanged"]
    if wanted is None:
        return [
            f"  {path}: expected to be gone: {one}" for one in found if one in after
        ]
    return []


def _missing(path: str, before: Snapshot, after: Snapshot) -> str:
    """Describe a missing path; if it never existed, suggest one in its folder."""
    if path in before:
        return "it is gone"
    folder, _, name = path.rpartition("/")
    names = [one.removeprefix(f"{folder}/").rstrip("/") for one in after]
    siblings = [one for one in names if one and "/" not in one]
    return f"it does not exist{did_you_mean(name, siblings)}"


def _matches(text: str, wanted: str) -> bool:
    """Whether a file or link has a text; the last component of a link is enough."""
    if text.startswith("-> "):
        return wanted in (text, text[3:], text.rpartition("/")[2])
    return text.removesuffix("\n") == wanted.removesuffix("\n")


def _short(text: str) -> str:
    return repr(text if len(text) < 200 else f"{text[:200]}...")
