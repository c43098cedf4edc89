"""A file of recorded operations: one JSON object per line."""

from __future__ import annotations

import errno
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from simkernel.errors import UsageError

__all__ = ["Trace"]


class Trace:
    """A file of operations. Use it as a context manager.

    :param path: an existing file is replaced.
    :raises UsageError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._stream = path.open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from None
        self._started_s = time.monotonic()
        self._lock = threading.Lock()

    def __enter__(self) -> Trace:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file. Later operations are dropped."""
        with self._lock:
            self._stream.close()

    def now(self) -> float:
        """Return the seconds since the recording started."""
        return time.monotonic() - self._started_s

    def record(
        self,
        operation: str,
        path: str,
        *,
        time_s: float | None = None,
        data: bytes | str | None = None,
        number: int = 0,
        pid: int | None = None,
        comm: str | None = None,
    ) -> None:
        """Write one operation.

        :param time_s: time as returned by :meth:`now` [default: now].
        :param data: bytes read or written, or the target of a link.
        :param number: errno, 0 on success.
        :param comm: program name.
        """
        if isinstance(data, bytes):
            data = data.decode(errors="backslashreplace")
        entry = {
            "time": round(self.now() if time_s is None else time_s, 6),
            "pid": pid,
            "comm": comm,
            "op": operation,
            "path": path,
            "data": data,
            "errno": errno.errorcode.get(number, str(number)) if number else None,
        }
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        with self._lock:
            if not self._stream.closed:
                self._stream.write(line.encode(errors="replace").decode())

    @contextmanager
    def operation(
        self, name: str, path: str, *, pid: int | None = None, comm: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """Write an operation with its result at the end of the block.

        The block can set ``data`` and ``errno`` in the yielded dictionary.
        """
        details: dict[str, Any] = {"data": None, "errno": 0}
        try:
            yield details
        except OSError as error:
            details["errno"] = error.errno or 0
            raise
        finally:
            data, number = details["data"], details["errno"]
            self.record(name, path, data=data, number=number, pid=pid, comm=comm)
