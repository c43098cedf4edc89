"""What can go wrong in simkernel, by whose fault it is."""

from __future__ import annotations

import os

__all__ = ["KernelRefusal", "ScenarioError", "SimkernelError", "UsageError"]


class SimkernelError(Exception):
    """Base of the errors that simkernel reports to a person."""


class UsageError(SimkernelError):
    """The caller asked for something that cannot be done as asked."""


class ScenarioError(SimkernelError):
    """A scenario does not render, parse or validate.

    :param problems: one line each, all that were found: ``where: what``.
    """

    def __init__(self, source: str, problems: list[str]) -> None:
        self.source = source
        self.problems = problems
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))


class KernelRefusal(OSError):
    """A system call that the simulated kernel refuses; nothing has changed.

    It is the ``OSError`` that the caller of the real system call would see.

    :param errno: errno of the refusal, positive.
    :param rule: id of the row in ``docs/rules.md`` that says so.
    """

    def __init__(self, errno: int, rule: str) -> None:
        super().__init__(errno, os.strerror(errno))
        self.rule = rule

    def __reduce__(self) -> tuple[type[KernelRefusal], tuple[int, str]]:
        """Keep ``rule`` across processes; ``OSError`` would drop it."""
        return type(self), (self.errno or 0, self.rule)
