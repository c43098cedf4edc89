"""Writes down what a program does on the simulated host's files in this process.

A program reaches them through ``os``, ``open`` and ``pathlib``, which use one another:
only the outermost call is an operation of the program's.
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

from simkernel.fronts.fakefs.patches import streams
from simkernel.fronts.fakefs.patches.processes import Answer
from simkernel.fronts.trace import Trace
from simkernel.kmod.context import CommandResult

__all__ = ["Tracer"]

_PLACES = (
    "/dev",
    "/etc/modprobe.d",
    "/lib/modules",
    "/proc",
    "/run",
    "/sys",
    "/usr/lib/modules",
)
"""What is below these is the host's; the rest is the program's own."""

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
"""Functions of ``os`` with the operation that each of them is."""
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
"""What pathlib and the simulated commands call in pyfakefs."""


class Tracer:
    """Records the operations of programs on one host."""

    def __init__(self, trace: Trace, filesystem: FakeFilesystem, fake_os: Any) -> None:
        self._trace = trace
        self._filesystem = filesystem
        self._fake_os = fake_os
        self._state = threading.local()
        self._comm: str | None = None
        """Name of a simulated command, while it runs."""

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
            _wrap(stack, streams._Raw, "readinto", self._read)
            _wrap(stack, streams._Raw, "write", self._write)
            yield

    def answering(self, answer: Answer) -> Answer:
        """Return what answers for programs, and records that and how."""

        def run(
            argv: Sequence[str], environment: Mapping[str, str], uid: int
        ) -> CommandResult:
            before, self._comm = self._comm, posixpath.basename(argv[0])
            try:
                with self._recorded("exec", argv[0]) as about:
                    about["data"] = " ".join(argv)
                    return answer(argv, environment, uid)
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
        """Return what wraps a function whose first argument is a path."""

        def wrap(real: Any) -> Any:
            def call(path: Any = ".", *arguments: Any, **options: Any) -> Any:
                place = self._place(path)
                if place is None:
                    return real(path, *arguments, **options)
                with self._outermost(), self._recorded(operation, place) as about:
                    result = real(path, *arguments, **options)
                    if operation == "readlink":
                        about["data"] = result
                    if result is False and not self._filesystem.exists(
                        place, check_link=True
                    ):
                        about["errno"] = ENOENT  # what stat(2) said to the function
                    self._remember(result, place)
                if isinstance(result, ScanDirIter):
                    return _Entries(result, self._outermost)
                return result

            return call

        return wrap

    def _open(self, real: Any) -> Any:
        def call(owner: Any, path: Any, *arguments: Any, **options: Any) -> Any:
            place = self._place(path)
            if place is None:
                return real(owner, path, *arguments, **options)
            with self._outermost(), self._recorded("open", place):
                result = real(owner, path, *arguments, **options)
            self._remember(result, place)
            return result

        return call

    def _read(self, real: Any) -> Any:
        def call(stream: Any, buffer: Any) -> Any:
            with self._recorded("read", stream.path) as about:
                count = real(stream, buffer)
                about["data"] = bytes(buffer[:count])
            return count

        return call

    def _write(self, real: Any) -> Any:
        def call(stream: Any, data: Any) -> Any:
            with self._recorded("write", stream.path) as about:
                about["data"] = bytes(data)
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

    def _place(self, path: Any) -> str | None:
        """Return an absolute path, None if it is not to be recorded."""
        if getattr(self._state, "busy", False) or isinstance(path, int):
            return None
        try:
            text = os.fsdecode(path)
        except TypeError:
            return None
        text = posixpath.normpath(posixpath.join(self._filesystem.cwd, text))
        ours = any(text == one or text.startswith(f"{one}/") for one in _PLACES)
        return text if ours else None

    def _remember(self, opened: Any, path: str) -> None:
        """Let an open file know by which path it was opened."""
        if type(opened) is int:
            opened = self._filesystem.get_open_file(opened)
        while opened is not None and not isinstance(opened, streams._Raw):
            opened = getattr(opened, "buffer", None) or getattr(opened, "raw", None)
        if opened is not None:
            opened.path = path


class _Entries:
    """The result of ``scandir``: pyfakefs looks at each entry when it comes."""

    def __init__(
        self, entries: Any, quietly: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._entries = entries
        self._quietly = quietly

    def __iter__(self) -> _Entries:
        return self

    def __next__(self) -> Any:
        with self._quietly():
            return next(self._entries)

    def __enter__(self) -> _Entries:
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
