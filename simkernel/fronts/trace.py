"""Writes down what programs do on a host: one JSON object a line."""

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
    """A file of operations; a context manager that closes it.

    :param path: it is replaced if it is there.
    :raises UsageError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._stream = path.open("w", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from None
        self._begin = time.monotonic()
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
        """Close the file; nothing is written any more."""
        with self._lock:
            self._stream.close()

    def now(self) -> float:
        """Return the seconds since the record began."""
        return time.monotonic() - self._begin

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

        :param time_s: when, as of :meth:`now`; None: now.
        :param data: what was read or written, or where a link leads.
        :param number: errno of the operation, 0 if it succeeded.
        :param comm: name of the program.
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
        """Write an operation when the block has ended, with how it ended.

        The block may put ``data`` and ``errno`` into what it is given.
        """
        about: dict[str, Any] = {"data": None, "errno": 0}
        try:
            yield about
        except OSError as error:
            about["errno"] = error.errno or 0
            raise
        finally:
            data, number = about["data"], about["errno"]
            self.record(name, path, data=data, number=number, pid=pid, comm=comm)
