"""The verdict column of the rules: releases that confirm a rule."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from simkernel.errors import UsageError

__all__ = ["NONE", "add_release"]

NONE: Final = "-"
"""Text of the column if no real kernel has confirmed the rule."""
_ROW = re.compile(r"^\| (R-[A-Z]+-\d+) \|.*\| ([^|]*) \|$")
_RELEASE = re.compile(r"\d+(?:\.\d+)+")


def add_release(text: str, release: str, agreed: Collection[str]) -> str:
    """Add a release to the rules that it confirms; return the new table.

    :param text: content of ``docs/rules.md``.
    :param release: version of the kernel, such as ``6.12.117``.
    :param agreed: ids of the confirmed rules.
    :raises UsageError: the table lacks a rule, or the release is invalid.
    """
    if not _RELEASE.fullmatch(release):
        raise UsageError(f"invalid kernel version {release!r}, expected e.g. 6.12.117")
    missing = set(agreed)
    lines = []
    for line in text.splitlines(keepends=True):
        found = _ROW.match(line.rstrip("\n"))
        if found is not None and found[1] in agreed:
            missing.discard(found[1])
            line = line[: found.start(2)] + _with(found[2], release) + " |\n"
        lines.append(line)
    if missing:
        raise UsageError(
            f"no row in the table of rules for {', '.join(sorted(missing))}"
        )
    return "".join(lines)


def _with(cell: str, release: str) -> str:
    releases = {release, *_RELEASE.findall(cell)}
    return ", ".join(
        sorted(releases, key=lambda one: [int(part) for part in one.split(".")])
    )
