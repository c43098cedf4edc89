"""A ``subprocess.Popen`` that runs programs in this process."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyfakefs.helpers import get_uid

from simkernel.kmod.context import CommandResult

__all__ = ["RunProgram", "SimulatedPopen", "argv_of", "popen_class"]

RunProgram = Callable[[Sequence[str], Mapping[str, str], int], CommandResult]
"""Runs a program: argument list, environment, uid."""


class SimulatedPopen:
    """``subprocess.Popen`` that runs a command to its end.

    :raises PermissionError: the fakefs tier cannot run the program.
    """

    run_program: RunProgram
    """Set in the subclass that replaces ``subprocess.Popen``."""

    def __init__(
        self,
        args: Any,
        bufsize: int = -1,
        executable: Any = None,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        *unused: Any,
        shell: bool = False,
        text: bool | None = None,
        universal_newlines: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        env: Mapping[str, str] | None = None,
        user: str | int | None = None,
        **ignored: Any,
    ) -> None:
        self.args = args
        self.pid = os.getpid()
        self.stdin = io.BytesIO() if stdin == subprocess.PIPE else None
        uid = user if isinstance(user, int) else get_uid()
        result = type(self).run_program(
            argv_of(args, shell=shell), env or os.environ, uid
        )
        self.returncode: int = result.returncode
        as_text = bool(text or universal_newlines or encoding or errors)
        out, err = result.stdout, result.stderr
        if stderr == subprocess.STDOUT:
            out, err = out + err, b""
        self.stdout = _deliver(out, stdout, sys.stdout, as_text, encoding, errors)
        self.stderr = _deliver(err, stderr, sys.stderr, as_text, encoding, errors)

    @classmethod
    def __class_getitem__(cls, item: Any) -> type[SimulatedPopen]:
        """Allow ``Popen[bytes]``, as the real class does."""
        return cls

    def communicate(self, input: Any = None, timeout: float | None = None) -> Any:  # noqa: A002  # the name of the real one
        """Return the output of the command."""
        return (
            None if self.stdout is None else self.stdout.read(),
            None if self.stderr is None else self.stderr.read(),
        )

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code."""
        return self.returncode

    def poll(self) -> int:
        """Return the exit code."""
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Do nothing: the command has ended."""

    terminate = kill = lambda self: None

    def __enter__(self) -> SimulatedPopen:
        """Return itself."""
        return self

    def __exit__(self, *unused: object) -> None:
        """Leave the streams to the garbage collector."""


def popen_class(run_program: RunProgram) -> type[SimulatedPopen]:
    """Return a class to replace ``Popen``."""
    attributes = {"run_program": staticmethod(run_program)}
    return type("Popen", (SimulatedPopen,), attributes)


def argv_of(args: Any, *, shell: bool) -> list[str]:
    """Return the argument list of a ``Popen`` call."""
    if isinstance(args, str | bytes):
        line = os.fsdecode(args)
        return ["/bin/sh", "-c", line] if shell else shlex.split(line)
    words = [os.fsdecode(word) for word in args]
    return ["/bin/sh", "-c", *words] if shell else words


def _deliver(
    data: bytes,
    target: Any,
    inherited: Any,
    as_text: bool,
    encoding: str | None,
    errors: str | None,
) -> Any:
    """Write output to a stream, or return a stream for ``PIPE``."""
    if target == subprocess.PIPE:
        stream = io.BytesIO(data)
        if not as_text:
            return stream
        return io.TextIOWrapper(stream, encoding=encoding, errors=errors)
    if target is None:
        inherited.write(data.decode(errors="replace"))
        inherited.flush()
    elif target not in (subprocess.DEVNULL, subprocess.STDOUT):
        if isinstance(target, int):
            os.write(target, data)
        else:
            target.write(data if "b" in getattr(target, "mode", "b") else data.decode())
    return None
