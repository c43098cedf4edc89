"""Errors of simkernel: of its user, of a scenario, and of the simulated kernel."""

from __future__ import annotations

import os

__all__ = ["KernelRefusal", "ScenarioError", "SimkernelError", "UsageError"]


class SimkernelError(Exception):
    """Base of the errors that simkernel reports to its user.

    :param message: what failed, the value, the reason; one line.
    :param hint: one imperative sentence with the command that helps; shown on a line of
        its own. Empty: there is no advice.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.hint = hint
        super().__init__(f"{message}\nhint: {hint}" if hint else message)


class UsageError(SimkernelError):
    """An invalid argument, or something that this machine lacks."""


class ScenarioError(SimkernelError):
    """A scenario does not render, parse or validate.

    :param source: file or name of the scenario.
    :param problems: every problem found, one line each: ``place: problem``.
    """

    def __init__(self, source: str, problems: list[str]) -> None:
        self.source = source
        self.problems = problems
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))


class KernelRefusal(OSError):
    """A system call that the simulated kernel refuses. Its state does not change.

    Callers see the ``OSError`` that the real system call gives.

    :param errno: errno of the refusal, positive.
    :param rule: id of the rule in ``docs/rules.md``.
    """

    def __init__(self, errno: int, rule: str) -> None:
        super().__init__(errno, os.strerror(errno))
        self.rule = rule

    def __reduce__(self) -> tuple[type[KernelRefusal], tuple[int, str]]:
        """Keep ``rule`` across processes; ``OSError`` would drop it."""
        return type(self), (self.errno or 0, self.rule)
