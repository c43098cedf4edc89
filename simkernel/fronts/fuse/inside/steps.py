"""Names of the steps of making the namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EIO

__all__ = ["StepError", "step"]


class StepError(Exception):
    """A step failed.

    :param step: name of the step, which follows "cannot" in the message.
    :param errno: errno of the failed system call.
    """

    def __init__(self, step: str, errno: int) -> None:
        self.step = step
        self.errno = errno
        super().__init__(step, errno)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Name the step that the block performs.

    :raises StepError: a system call in the block failed.
    """
    try:
        yield
    except OSError as error:
        raise StepError(name, error.errno or EIO) from error
