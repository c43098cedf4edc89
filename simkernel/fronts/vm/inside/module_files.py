"""Files of ``/lib/modules/RELEASE``: which one a module's name means, what it needs."""

from __future__ import annotations

import os
from errno import ENOENT

__all__ = ["dependencies", "file_of", "set_unlisted"]

_unlisted: dict[str, str] = {}
"""Files of modules that ``modules.dep`` does not have, by name."""


def set_unlisted(files: dict[str, str]) -> None:
    """Name the modules that ``/lib/modules`` does not know, and their files."""
    _unlisted.clear()
    _unlisted.update(files)


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

    :raises OSError: ENOENT, there is none.
    """
    return _unlisted.get(name) or _row(name)[0]


def dependencies(name: str) -> list[str]:
    """Return the files that a module needs, in the order in which they load.

    :raises OSError: ENOENT, modules.dep does not have it.
    """
    return [] if name in _unlisted else _row(name)[:0:-1]
