"""Paths and dependencies of the modules in ``/lib/modules/RELEASE``."""

from __future__ import annotations

import os
from errno import ENOENT

__all__ = ["dependencies", "file_of", "set_unlisted"]

_unlisted: dict[str, str] = {}
"""Paths of modules missing in ``modules.dep``, by name."""


def set_unlisted(files: dict[str, str]) -> None:
    """Set the paths of modules missing in ``modules.dep``."""
    _unlisted.clear()
    _unlisted.update(files)


def _folder() -> str:
    return f"/lib/modules/{os.uname().release}"


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".ko")[0].replace("-", "_")


def _rows() -> dict[str, list[str]]:
    """Return each module's row of ``modules.dep``: its path, then its dependencies."""
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

    :raises OSError: ENOENT, no such module.
    """
    return _unlisted.get(name) or _row(name)[0]


def dependencies(name: str) -> list[str]:
    """Return the files a module depends on, in load order.

    :raises OSError: ENOENT, modules.dep lacks the module.
    """
    return [] if name in _unlisted else _row(name)[:0:-1]
