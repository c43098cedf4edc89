"""What was being done when something failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EIO

__all__ = ["StepError", "step"]


class StepError(Exception):
    """A step towards the namespaces failed.

    :param step: what was tried, to go after "could not".
    :param errno: of the system call that failed.
    """

    def __init__(self, step: str, errno: int) -> None:
        self.step = step
        self.errno = errno
        super().__init__(step, errno)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what the block does, if it fails.

    :raises StepError: a system call in the block failed.
    """
    try:
        yield
    except OSError as error:
        raise StepError(what, error.errno or EIO) from error
