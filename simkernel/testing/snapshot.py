"""Snapshots of a host's trees, and their differences."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, groupby
from typing import Final

__all__ = ["Snapshot", "describe"]

_NUMBERS: Final = count()


class Snapshot(dict[str, str]):
    """Every path of the kernel's file systems with its content.

    A directory's path ends in ``/`` and its text is empty. A link is ``-> target``,
    a device node its kind and mode. A write-only file is its mode.
    """

    def __init__(self, tree: Mapping[str, str]) -> None:
        super().__init__(tree)
        self.number = next(_NUMBERS)
        """Exceeds the number of every earlier snapshot."""

    def diff(self, later: Snapshot) -> str:
        """Return the differences to a later snapshot, as a unified diff.

        Each directory has a section; empty: no difference.
        """
        return self.diff_of(later, self.changed(later))

    def diff_of(self, later: Snapshot, paths: Sequence[str]) -> str:
        """Return the differences at some sorted paths, as a unified diff."""
        lines = [] if not paths else ["--- before", "+++ after"]
        shown = _outermost(paths)
        for folder, names in groupby(sorted(shown, key=_place), key=_folder):
            lines.append(f"@@ {folder} @@")
            for path in names:
                below = shown[path]
                lines += _difference(path, self.get(path), later.get(path), below)
        return "\n".join(lines)

    def changed(self, later: Snapshot) -> list[str]:
        """Return the paths that differ in a later snapshot."""
        return [
            path
            for path in sorted(self.keys() | later.keys())
            if self.get(path) != later.get(path)
        ]

    def real(self, path: str) -> str:
        """Resolve the links in a path, except at its end."""
        done = ""
        pending = path.strip("/").split("/")[::-1]
        while pending:
            done = posixpath.normpath(f"{done}/{pending.pop()}")
            text = self.get(done, "")
            if pending and text.startswith("-> "):
                pending += text[3:].split("/")[::-1]
                done = posixpath.dirname(done)
        return done


def _folder(path: str) -> str:
    return path.rstrip("/").rpartition("/")[0]


def _place(path: str) -> tuple[str, str]:
    return _folder(path), path


def _outermost(paths: Sequence[str]) -> dict[str, int]:
    """Return the paths, without those in a directory that itself came or went.

    :param paths: sorted.
    :returns: path to the number of omitted paths below it.
    """
    outermost: dict[str, int] = {}
    whole = ""
    for path in paths:
        if whole and path.startswith(whole):
            outermost[whole] += 1
            continue
        outermost[path] = 0
        whole = path if path.endswith("/") else ""
    return outermost


def _difference(
    path: str, before: str | None, after: str | None, below: int
) -> Iterator[str]:
    """Yield the lines for one path; texts of several lines are compared by line."""
    name = path[len(_folder(path)) + 1 :]
    if below:
        name = f"{name} (and {below} below it)"
    if before is not None and after is not None and _has_lines(before, after):
        yield f" {name}:"
        for line in difflib.ndiff(before.splitlines(), after.splitlines()):
            if line[0] in "+-":
                yield f"{line[0]}    {line[2:]}"
        return
    for sign, text in (("-", before), ("+", after)):
        if text is not None:
            yield from _lines(sign, name, text)


def _has_lines(*texts: str) -> bool:
    return any("\n" in text.rstrip("\n") for text in texts)


def _lines(sign: str, name: str, text: str) -> Iterator[str]:
    first, *more = text.splitlines() or [""]
    if more:
        yield f"{sign}{name}:"
        for line in (first, *more):
            yield f"{sign}    {line}"
    elif text.startswith("-> "):
        yield f"{sign}{name} {text}"
    else:
        yield f"{sign}{name}: {first}" if first else f"{sign}{name}"


def describe(left: Snapshot, right: Snapshot) -> list[str]:
    """Return the explanation of a failed comparison, for pytest."""
    before, after = sorted((left, right), key=lambda one: one.number)
    return ["the trees differ:", *before.diff(after).splitlines()]
