"""The cache of module files: modules to bytes, and back.

An entry is valid while size and modification time of the file stay the same. The cache
has no unreadable files: a missing library may be the reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from resolver.lint.module import Alias, Binary, Module, TableEntry
from resolver.linux.module_files import FileStatus

__all__ = ["file_name", "packed", "unpacked"]

_VERSION: Final = 1
"""Increase it with every change of what is read from a file, or of the format."""


def file_name(directory: str) -> str:
    """Return the name of the cache file of a module directory.

    :param directory: path with every link resolved.
    """
    return f"lint/{hashlib.sha256(directory.encode()).hexdigest()[:24]}.json"


def packed(read: Iterable[tuple[FileStatus, Module]]) -> bytes:
    """Return the content of a cache file."""
    files = {
        status.path: [status.size, status.mtime_ns, _to_json(one)]
        for status, one in read
    }
    document = {"version": _VERSION, "files": files}
    return json.dumps(document, separators=(",", ":")).encode()


def unpacked(
    data: bytes | None, files: Iterable[FileStatus]
) -> Mapping[FileStatus, Module]:
    """Return the cached modules of unchanged files.

    :param data: content of the cache file; ``None`` if there is none.
    """
    try:
        document = json.loads(data or b"{}")
        kept = document["files"] if document.get("version") == _VERSION else {}
        found = {}
        for status in files:
            size, mtime_ns, value = kept.get(status.path, (0, 0, None))
            if value is not None and (size, mtime_ns) == (status.size, status.mtime_ns):
                found[status] = _from_json(status.path, value)
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}
    return found


def _to_json(one: Module) -> list[Any]:
    binary = one.binary and [
        one.binary.drivers,
        [[entry.ids, entry.alias] for entry in one.binary.entries],
        sorted(one.binary.needs),
    ]
    aliases = [alias.pattern for alias in one.aliases]
    facts = (one.license, one.vermagic, one.is_signed)
    return [one.name, aliases, one.depends, one.softdeps, *facts, binary]


def _from_json(path: str, value: list[Any]) -> Module:
    name, aliases, depends, softdeps, license_, vermagic, is_signed, binary = value
    return Module(
        path=path,
        name=name,
        form="ko",
        aliases=tuple(map(Alias, aliases)),
        depends=tuple(depends),
        softdeps=tuple(softdeps),
        license=license_,
        vermagic=vermagic,
        is_signed=is_signed,
        binary=_binary(binary) if binary else None,
    )


def _binary(value: list[Any]) -> Binary:
    drivers, entries, needs = value
    made = tuple(TableEntry(ids, alias) for ids, alias in entries)
    return Binary(tuple(drivers), made, frozenset(needs))
