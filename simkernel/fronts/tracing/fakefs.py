"""Recording of file operations on the fakefs tier.

A program uses ``os``, ``open`` and ``pathlib``, which call each other. A trace has the
outermost call only.
"""

from __future__ import annotations

import os
import posixpath
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from errno import ENOENT
from typing import Any

from pyfakefs import fake_pathlib
from pyfakefs.fake_filesystem import FakeFilesystem
from pyfakefs.fake_open import FakeFileOpen
from pyfakefs.fake_scandir import ScanDirIter

from simkernel.fronts.tracing.trace import Trace
from simkernel.kmod.context import CommandResult

__all__ = ["FakefsTracer"]

_RunProgram = Callable[[Sequence[str], Mapping[str, str], int], CommandResult]
"""Runs a program: argument list, environment, uid."""
_HOST_FOLDERS = (
    "/dev",
    "/etc/modprobe.d",
    "/lib/modules",
    "/proc",
    "/run",
    "/sys",
    "/usr/lib/modules",
)
"""Directories of the simulated host. Other files belong to the program itself."""

_OS_CALLS = {
    "access": "stat",
    "chmod": "chmod",
    "listdir": "listdir",
    "lstat": "stat",
    "mkdir": "mkdir",
    "open": "open",
    "readlink": "readlink",
    "remove": "unlink",
    "rename": "rename",
    "rmdir": "rmdir",
    "scandir": "listdir",
    "stat": "stat",
    "symlink": "symlink",
    "unlink": "unlink",
}
"""Functions of ``os``, and the operation of each."""
_PATH_CALLS = ("exists", "isdir", "isfile", "islink", "lexists", "realpath")
_ACCESSOR_CALLS = ("listdir", "lstat", "readlink", "scandir", "stat")
_FILESYSTEM_CALLS = {
    "exists": "stat",
    "isdir": "stat",
    "isfile": "stat",
    "islink": "stat",
    "listdir": "listdir",
    "readlink": "readlink",
    "stat": "stat",
}
"""Methods of pyfakefs that pathlib and the simulated commands call."""


class FakefsTracer:
    """Recorder of file operations on one host.

    :param fake_os: the module that stands in for ``os``.
    :param stream_class: class of an open file of the kernel.
    """

    def __init__(
        self,
        trace: Trace,
        filesystem: FakeFilesystem,
        fake_os: Any,
        stream_class: type[Any],
    ) -> None:
        self._trace = trace
        self._filesystem = filesystem
        self._fake_os = fake_os
        self._stream_class = stream_class
        self._state = threading.local()
        self._comm: str | None = None
        """Name of the simulated command that is running."""

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record while the block runs."""
        with ExitStack() as stack:
            for name, operation in _OS_CALLS.items():
                _wrap(stack, self._fake_os, name, self._call(operation))
            for name in _PATH_CALLS:
                _wrap(stack, self._fake_os.path, name, self._call("stat"))
            for name, operation in _FILESYSTEM_CALLS.items():
                _wrap(stack, self._filesystem, name, self._call(operation))
            accessor = getattr(fake_pathlib, "_fake_accessor", None)  # Python 3.10's
            for name in _ACCESSOR_CALLS if accessor is not None else ():
                _wrap(stack, accessor, name, self._call(_OS_CALLS[name]))
            _wrap(stack, FakeFileOpen, "call", self._open)
            _wrap(stack, self._stream_class, "readinto", self._read)
            _wrap(stack, self._stream_class, "write", self._write)
            yield

    def recording_programs(self, run_program: _RunProgram) -> _RunProgram:
        """Wrap a function that runs programs, to record ``exec``."""

        def run(
            argv: Sequence[str], environment: Mapping[str, str], uid: int
        ) -> CommandResult:
            before, self._comm = self._comm, posixpath.basename(argv[0])
            try:
                with self._recorded("exec", argv[0]) as details:
                    details["data"] = " ".join(argv)
                    return run_program(argv, environment, uid)
            finally:
                self._comm = before

        return run

    def _recorded(
        self, operation: str, path: str
    ) -> AbstractContextManager[dict[str, Any]]:
        script = posixpath.basename(sys.argv[0])
        comm = self._comm or ("python" if script == "-c" else script)
        return self._trace.operation(operation, path, pid=os.getpid(), comm=comm)

    def _call(self, operation: str) -> Callable[[Any], Any]:
        """Return a wrapper for functions that take a path first."""

        def wrap(real: Any) -> Any:
            def call(path: Any = ".", *arguments: Any, **options: Any) -> Any:
                host_path = self._host_path(path)
                if host_path is None:
                    return real(path, *arguments, **options)
                with self._outermost(), self._recorded(operation, host_path) as details:
                    result = real(path, *arguments, **options)
                    if operation == "readlink":
                        details["data"] = result
                    if result is False and not self._filesystem.exists(
                        host_path, check_link=True
                    ):
                        details["errno"] = ENOENT  # errno of the stat(2) inside
                    self._set_path(result, host_path)
                if isinstance(result, ScanDirIter):
                    return _RecordedScandir(result, self._outermost)
                return result

            return call

        return wrap

    def _open(self, real: Any) -> Any:
        def call(owner: Any, path: Any, *arguments: Any, **options: Any) -> Any:
            host_path = self._host_path(path)
            if host_path is None:
                return real(owner, path, *arguments, **options)
            with self._outermost(), self._recorded("open", host_path):
                result = real(owner, path, *arguments, **options)
            self._set_path(result, host_path)
            return result

        return call

    def _read(self, real: Any) -> Any:
        def call(stream: Any, buffer: Any) -> Any:
            with self._recorded("read", stream.path) as details:
                count = real(stream, buffer)
                details["data"] = bytes(buffer[:count])
            return count

        return call

    def _write(self, real: Any) -> Any:
        def call(stream: Any, data: Any) -> Any:
            with self._recorded("write", stream.path) as details:
                details["data"] = bytes(data)
                return real(stream, data)

        return call

    # ---- paths

    @contextmanager
    def _outermost(self) -> Iterator[None]:
        self._state.busy = True
        try:
            yield
        finally:
            self._state.busy = False

    def _host_path(self, path: Any) -> str | None:
        """Return an absolute path of the host; None: do not record it."""
        if getattr(self._state, "busy", False) or isinstance(path, int):
            return None
        try:
            text = os.fsdecode(path)
        except TypeError:
            return None
        text = posixpath.normpath(posixpath.join(self._filesystem.cwd, text))
        is_of_host = any(
            text == folder or text.startswith(f"{folder}/") for folder in _HOST_FOLDERS
        )
        return text if is_of_host else None

    def _set_path(self, opened: Any, path: str) -> None:
        """Store the path in the stream of an open file."""
        if type(opened) is int:
            opened = self._filesystem.get_open_file(opened)
        while opened is not None and not isinstance(opened, self._stream_class):
            opened = getattr(opened, "buffer", None) or getattr(opened, "raw", None)
        if opened is not None:
            opened.path = path


class _RecordedScandir:
    """The result of ``scandir``, without records of its calls."""

    def __init__(
        self, entries: Any, unrecorded: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._entries = entries
        self._unrecorded = unrecorded

    def __iter__(self) -> _RecordedScandir:
        return self

    def __next__(self) -> Any:
        with self._unrecorded():
            return next(self._entries)

    def __enter__(self) -> _RecordedScandir:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        self._entries.close()


def _wrap(stack: ExitStack, owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
    real = getattr(owner, name)
    if name in vars(owner):
        stack.callback(setattr, owner, name, real)
    else:
        stack.callback(delattr, owner, name)
    setattr(owner, name, wrap(real))
