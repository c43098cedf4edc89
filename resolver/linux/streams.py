"""Descriptors 0 to 2 of this process."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TextIO

__all__ = ["discard", "reserve_standard"]


def discard(stream: TextIO) -> None:
    """Discard what a stream still has in its buffer, and further output.

    Otherwise the interpreter flushes it at exit, fails, and exits with 120.

    Source: CPython, Python/pylifecycle.c, flush_std_files().
    """
    with suppress(OSError, ValueError):  # a stream without descriptor
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def reserve_standard() -> None:
    """Open ``/dev/null`` in place of the closed ones of descriptors 0 to 2.

    Otherwise the next file that this process opens, such as a lock, gets the number,
    and a program that prints writes to it. The system gives the lowest number.
    """
    for number in range(3):
        try:
            fcntl.fcntl(number, fcntl.F_GETFD)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
