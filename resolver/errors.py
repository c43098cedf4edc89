"""What can go wrong in resolver, by whose fault it is.

Every class carries the exit code that the command ends with; the message says
what was tried and what happened, ``hint`` says what to do about it.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BlockedError",
    "FailedError",
    "NotFoundError",
    "NotUndoneError",
    "RefusedError",
    "ResolverError",
    "UsageError",
]


class ResolverError(Exception):
    """Base of the errors that resolver reports to a person.

    :param message: what was tried and what happened; one line.
    :param hint: what to do about it; empty where there is nothing to say.
    :param rule: id of the rule that refused, such as ``no-iommu-group``; empty
        where no rule did.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", rule: str = "") -> None:
        self.message = message
        self.hint = hint
        self.rule = rule
        self.about = ""
        """What it is about, where that is one of several: a device, a line."""
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.about}: {self.message}" if self.about else self.message


class FailedError(ResolverError):
    """The host would not do it; what had been changed is as it was before.

    :param errno: errno of the system call that failed, 0 where none did.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", errno: int = 0) -> None:
        self.errno = errno
        super().__init__(message, hint=hint)


class UsageError(ResolverError):
    """The caller asked for something that has no meaning; nothing was tried."""

    exit_code: ClassVar[int] = 2


class RefusedError(ResolverError):
    """A safety rule or the administrator forbids it; nothing was changed."""

    exit_code: ClassVar[int] = 3


class NotFoundError(ResolverError):
    """There is no such device, driver, module or record; nothing was changed."""

    exit_code: ClassVar[int] = 4


class NotUndoneError(ResolverError):
    """The host would not do it, nor take everything back.

    :param problems: what could not be put back, one line each.
    """

    exit_code: ClassVar[int] = 5

    def __init__(
        self, message: str, *, problems: tuple[str, ...] = (), hint: str = ""
    ) -> None:
        self.problems = problems
        super().__init__(message, hint=hint)


class BlockedError(NotUndoneError):
    """The kernel has not answered: what was asked of it may still happen.

    :param pid: process that waits for the answer; it cannot be ended.
    :param state: its state, one letter as in ``ps``; ``?``: unknown.
    :param place: function of the kernel in which it waits; empty: unknown.
    """

    def __init__(
        self, message: str, *, pid: int = 0, state: str = "?", place: str = ""
    ) -> None:
        self.pid = pid
        self.state = state
        self.place = place
        super().__init__(message)
