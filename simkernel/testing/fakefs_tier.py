"""The fakefs tier of the test kit: Python programs in this process."""

from __future__ import annotations

import io
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import (
    AbstractContextManager,
    ExitStack,
    contextmanager,
    nullcontext,
    redirect_stderr,
    redirect_stdout,
)
from functools import partial
from pathlib import Path
from typing import Any

from simkernel.errors import UsageError
from simkernel.fronts.fakefs.host import FakefsHost
from simkernel.fronts.fakefs.run import run_on
from simkernel.fronts.folders import kept_folders
from simkernel.fronts.tracing.trace import Trace
from simkernel.host.host import Host
from simkernel.testing.tier import RunRequest

__all__ = ["FakefsTier"]

_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGTERM)
"""Signals whose handlers a program may change."""


class FakefsTier:
    """A host on the fakefs tier."""

    name = "fakefs"

    def __init__(self, host: Host, trace: Trace | None = None) -> None:
        self._host = FakefsHost(host, trace)
        self._host.__enter__()

    def kernel_lock(self) -> AbstractContextManager[object]:
        """Return a context without a lock: programs run in this process."""
        return nullcontext()

    @contextmanager
    def inside(self, folders: Sequence[Path] = ()) -> Iterator[None]:
        """Put this process on the host while the block runs."""
        with self._host.visit([*kept_folders([Path.cwd()]), *folders]) as filesystem:
            filesystem.cwd = "/"
            yield

    def run(self, request: RunRequest) -> subprocess.CompletedProcess[str]:
        """Run a Python program, or a command that simkernel provides.

        :raises UsageError: the program is neither.
        """
        if request.timeout_s is not None:
            raise UsageError(
                "the fakefs tier has no timeout: programs run in this process",
                hint="use via='fuse' or --sim-via fuse",
            )
        out, err = _Output(), _Output()
        with ExitStack() as stack:
            stack.enter_context(_process_state(request))
            stack.enter_context(redirect_stdout(out))
            stack.enter_context(redirect_stderr(err))
            code = self._code(request)
        return subprocess.CompletedProcess(
            list(request.argv), code, out.text(), err.text()
        )

    def _code(self, request: RunRequest) -> int:
        if self._host.programs.can_run(request.argv):
            with self._host.visit() as filesystem:
                filesystem.cwd = os.fspath(request.cwd)
                return subprocess.call(list(request.argv))
        try:
            return run_on(self._host, request.argv)
        except UsageError as error:
            message, _, _ = str(error).partition("\nhint: ")
            raise UsageError(
                message, hint="use via='fuse' or --sim-via fuse to run any program"
            ) from None

    def close(self) -> None:
        """Remove the host's files."""
        self._host.__exit__()


class _Output(io.TextIOWrapper):
    """Captured output; text and bytes go to the same buffer."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        """Return the whole output."""
        self.flush()
        written: bytes = self.buffer.getvalue()  # type: ignore[attr-defined]  # the BytesIO from above
        return written.decode(errors="replace")


@contextmanager
def _process_state(request: RunRequest) -> Iterator[None]:
    """Set a program's input, environment and directory; restore them afterwards."""
    with ExitStack() as stack:
        stack.callback(_restore_environment, dict(os.environ))
        stack.callback(os.chdir, Path.cwd())
        stack.callback(setattr, sys, "stdin", sys.stdin)
        for undo in (*_signal_handlers(), *_logging()):
            stack.callback(undo)
        if request.env is not None:
            _restore_environment(request.env)
        os.chdir(request.cwd)
        data = (request.input or "").encode()
        sys.stdin = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
        yield


def _restore_environment(variables: Any) -> None:
    os.environ.clear()
    os.environ.update(variables)


def _signal_handlers() -> Iterator[Callable[[], object]]:
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread can set handlers
    for number in _SIGNALS:
        before = signal.getsignal(number)
        if before is not None:
            yield partial(signal.signal, number, before)


def _logging() -> Iterator[Callable[[], object]]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield lambda: setattr(root, "handlers", handlers)
    yield lambda: root.setLevel(level)
