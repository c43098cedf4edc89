"""The verdict column of the rules: releases whose real kernel was seen to agree."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from simkernel.errors import UsageError

__all__ = ["NONE", "add_release"]

NONE: Final = "-"
"""What the column says of a rule about which no real kernel was asked."""
_ROW = re.compile(r"^\| (R-[A-Z]+-\d+) \|.*\| ([^|]*) \|$")
_RELEASE = re.compile(r"\d+(?:\.\d+)+")


def add_release(text: str, release: str, agreed: Collection[str]) -> str:
    """Return the table of rules with a release added to those that it agreed on.

    :param text: content of ``docs/rules.md``.
    :param release: version of the kernel, such as ``6.12.117``.
    :param agreed: ids of rules.
    :raises UsageError: a rule that is not in the table, or no release.
    """
    if not _RELEASE.fullmatch(release):
        raise UsageError(f"{release!r} is no version of a kernel, such as 6.12.117")
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
            f"the table of rules has no row for {', '.join(sorted(missing))}"
        )
    return "".join(lines)


def _with(cell: str, release: str) -> str:
    releases = {release, *_RELEASE.findall(cell)}
    return ", ".join(
        sorted(releases, key=lambda one: [int(part) for part in one.split(".")])
    )
