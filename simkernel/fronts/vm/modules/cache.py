"""Folders that are made once and kept: ``~/.cache/simkernel/vm/<release>/``.

A folder appears complete, under its name, or not at all; whoever makes the same one at
the same time makes it twice, and one of the two is kept.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from simkernel.errors import UsageError

__all__ = ["cache_folder", "cached", "fingerprint", "write_files"]

_ABANDONED_S = 24 * 3600
"""Age at which a folder that somebody began to make is nobody's any more."""
_UNUSED_S = 30 * 24 * 3600
"""Time without use after which a folder is removed."""


def cache_folder(release: str) -> Path:
    """Return the cache's folder for a kernel, which need not be there yet."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    root = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
    return root / "simkernel" / "vm" / release


def fingerprint(parts: Iterable[str | bytes | Path]) -> str:
    """Return a short sum of texts, and of files by path, size and time of change."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            status = part.stat()
            part = f"{part} {status.st_size} {status.st_mtime_ns}"
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little") + data)
    return total.hexdigest()[:20]


def cached(release: str, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder of the cache.

    :param name: its name; says all that it depends on.
    :param make: fills an empty folder, if there is none of that name.
    :raises UsageError: the cache cannot be written to.
    """
    place = cache_folder(release) / name
    if place.is_dir():
        with suppress(OSError):  # a cache that cannot be written to can still be read
            os.utime(place)
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(place.parent)
        made = Path(tempfile.mkdtemp(prefix=".", dir=place.parent))
    except OSError as error:
        raise UsageError(
            f"cannot write to {place.parent}: {error.strerror}: "
            "set XDG_CACHE_HOME to a directory that can be written to"
        ) from None
    try:
        make(made)
        made.chmod(0o755)
        _rename(made, place)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return place


def write_files(place: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder; one that is there with that content is left alone."""
    for name, data in files.items():
        path = place / name
        if path.exists() and path.read_bytes() == data:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _rename(made: Path, place: Path) -> None:
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def _remove_stale(root: Path) -> None:
    now = time.time()
    for one in root.iterdir():
        limit = _ABANDONED_S if one.name.startswith(".") else _UNUSED_S
        with suppress(OSError):  # somebody else removes it, too
            if now - one.stat().st_mtime > limit:
                shutil.rmtree(one, ignore_errors=True)
