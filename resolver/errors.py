"""Errors of resolver, one class for each exit code of the command."""

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
    """Base of all errors of resolver.

    :param message: what failed, the value, and the reason; one line.
    :param hint: one sentence with the command to run; empty: no hint.
    :param rule: id of the rule that refused, such as ``no-iommu-group``; empty: no
        rule did.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", rule: str = "") -> None:
        self.message = message
        self.hint = hint
        self.rule = rule
        self.about = ""
        """The device or line that failed, if there are several."""
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.about}: {self.message}" if self.about else self.message


class FailedError(ResolverError):
    """The host failed the change; the device is rolled back.

    :param errno: errno of the failed system call; 0: none failed.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", errno: int = 0) -> None:
        self.errno = errno
        super().__init__(message, hint=hint)


class UsageError(ResolverError):
    """An argument is invalid; nothing was changed."""

    exit_code: ClassVar[int] = 2


class RefusedError(ResolverError):
    """A safety rule or the administrator forbids the change; nothing was changed."""

    exit_code: ClassVar[int] = 3


class NotFoundError(ResolverError):
    """No such device, driver, module or record; nothing was changed."""

    exit_code: ClassVar[int] = 4


class NotUndoneError(ResolverError):
    """The host failed the change, and failed to roll it back.

    :param problems: what is not rolled back, one line each.
    """

    exit_code: ClassVar[int] = 5

    def __init__(
        self, message: str, *, problems: tuple[str, ...] = (), hint: str = ""
    ) -> None:
        self.problems = problems
        super().__init__(message, hint=hint)


class BlockedError(NotUndoneError):
    """A write has not returned from the kernel; it may still take effect.

    :param pid: process that waits in the kernel; it cannot be killed.
    :param state: its state, one letter as in ``ps``; ``?``: unknown.
    :param place: kernel function in which it waits; empty: unknown.
    """

    def __init__(
        self, message: str, *, pid: int = 0, state: str = "?", place: str = ""
    ) -> None:
        self.pid = pid
        self.state = state
        self.place = place
        super().__init__(message)
