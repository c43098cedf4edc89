"""A cache of built folders: ``~/.cache/simkernel/vm/<release>/``.

A folder is renamed into place when it is complete. If two processes build the same
folder at once, one of the two results is kept.
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
"""Age after which a partly built folder counts as abandoned, in seconds."""
_UNUSED_S = 30 * 24 * 3600
"""Time without use after which a folder is removed, in seconds."""


def cache_folder(release: str) -> Path:
    """Return the cache folder of a kernel; it may not exist."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    root = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
    return root / "simkernel" / "vm" / release


def fingerprint(parts: Iterable[str | bytes | Path]) -> str:
    """Return a short hash of texts, and of files by path, size and mtime."""
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

    :param name: its name, which has a fingerprint of all that the content depends
        on.
    :param make: fills an empty folder if the cache lacks this one.
    :raises UsageError: the cache is not writable.
    """
    place = cache_folder(release) / name
    if place.is_dir():
        with suppress(OSError):  # a read-only cache still serves reads
            os.utime(place)
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(place.parent)
        made = Path(tempfile.mkdtemp(prefix=".", dir=place.parent))
    except OSError as error:
        raise UsageError(
            f"cannot write to {place.parent}: {error.strerror}",
            hint="set XDG_CACHE_HOME to a writable directory",
        ) from None
    try:
        make(made)
        made.chmod(0o755)
        _rename(made, place)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return place


def write_files(place: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder; files with the same content stay untouched."""
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
        with suppress(OSError):  # another process removes it, too
            if now - one.stat().st_mtime > limit:
                shutil.rmtree(one, ignore_errors=True)
