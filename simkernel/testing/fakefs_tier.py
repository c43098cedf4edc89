"""A test's host on the fakefs tier: Python programs, in this process."""

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
from simkernel.testing.tier import Command

__all__ = ["FakefsTier"]

_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGTERM)
"""Signals whose handlers a program may set."""


class FakefsTier:
    """A host on the fakefs tier."""

    name = "fakefs"

    def __init__(self, host: Host, trace: Trace | None = None) -> None:
        self._place = FakefsHost(host, trace)
        self._place.__enter__()

    def kernel_lock(self) -> AbstractContextManager[object]:
        """Return a context without a lock: programs run in this process."""
        return nullcontext()

    @contextmanager
    def inside(self, folders: Sequence[Path] = ()) -> Iterator[None]:
        """Have this process on the host while the block runs."""
        with self._place.visit([*kept_folders([Path.cwd()]), *folders]) as filesystem:
            filesystem.cwd = "/"
            yield

    def run(self, command: Command) -> subprocess.CompletedProcess[str]:
        """Run a Python program, or one of the tools that are there.

        :raises UsageError: it is neither.
        """
        if command.timeout_s is not None:
            raise UsageError(
                "timeout: the fakefs tier runs programs in this process and cannot "
                "interrupt them; use via='fuse'"
            )
        out, err = _Output(), _Output()
        with ExitStack() as stack:
            stack.enter_context(_as_a_process_of_its_own(command))
            stack.enter_context(redirect_stdout(out))
            stack.enter_context(redirect_stderr(err))
            code = self._code(command)
        return subprocess.CompletedProcess(
            list(command.argv), code, out.text(), err.text()
        )

    def _code(self, command: Command) -> int:
        if self._place.programs.can_run(command.argv):
            with self._place.visit() as filesystem:
                filesystem.cwd = os.fspath(command.cwd)
                return subprocess.call(list(command.argv))
        try:
            return run_on(self._place, command.argv)
        except UsageError as error:
            message, _, _ = str(error).partition("\nhint: ")
            raise UsageError(
                message, hint="use via='fuse' or --sim-via fuse to run any program"
            ) from None

    def close(self) -> None:
        """Forget the host's files."""
        self._place.__exit__()


class _Output(io.TextIOWrapper):
    """What a program prints; bytes and text go the same way."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        """Return all of it."""
        self.flush()
        written: bytes = self.buffer.getvalue()  # type: ignore[attr-defined]  # it is the BytesIO of above
        return written.decode(errors="replace")


@contextmanager
def _as_a_process_of_its_own(command: Command) -> Iterator[None]:
    """Give a program its input, environment and directory; take back what it sets."""
    with ExitStack() as stack:
        stack.callback(_put_back_environment, dict(os.environ))
        stack.callback(os.chdir, Path.cwd())
        stack.callback(setattr, sys, "stdin", sys.stdin)
        for undo in (*_signal_handlers(), *_logging()):
            stack.callback(undo)
        if command.env is not None:
            _put_back_environment(command.env)
        os.chdir(command.cwd)
        data = (command.input or "").encode()
        sys.stdin = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
        yield


def _put_back_environment(variables: Any) -> None:
    os.environ.clear()
    os.environ.update(variables)


def _signal_handlers() -> Iterator[Callable[[], object]]:
    if threading.current_thread() is not threading.main_thread():
        return  # no other thread can set them
    for number in _SIGNALS:
        before = signal.getsignal(number)
        if before is not None:
            yield partial(signal.signal, number, before)


def _logging() -> Iterator[Callable[[], object]]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield lambda: setattr(root, "handlers", handlers)
    yield lambda: root.setLevel(level)
