"""Files of ``/lib/modules/RELEASE``: which one a module's name means, what it needs."""

from __future__ import annotations

import os
from errno import ENOENT

__all__ = ["dependencies", "file_of"]


def _folder() -> str:
    return f"/lib/modules/{os.uname().release}"


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".ko")[0].replace("-", "_")


def _rows() -> dict[str, list[str]]:
    """Return from ``modules.dep`` each module's file and those that it needs."""
    rows = {}
    with open(f"{_folder()}/modules.dep", encoding="utf-8") as file:
        for line in file:
            path, _, needed = line.partition(":")
            rows[_name(path)] = [path, *needed.split()]
    return rows


def _row(name: str) -> list[str]:
    row = _rows().get(name.replace("-", "_"))
    if row is None:
        raise OSError(ENOENT, "no such module", name)
    return [f"{_folder()}/{path}" for path in row]


def file_of(name: str) -> str:
    """Return the path of a module's file.

    :raises OSError: ENOENT, modules.dep does not have it.
    """
    return _row(name)[0]


def dependencies(name: str) -> list[str]:
    """Return the files that a module needs, in the order in which they load.

    :raises OSError: ENOENT, modules.dep does not have it.
    """
    return _row(name)[:0:-1]
