"""A verification: which programs are played, and what becomes of differences."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from simkernel.conformance.comparison import Comparison, Finding
from simkernel.conformance.minimize import minimize
from simkernel.conformance.operands import Operands
from simkernel.conformance.operations import Operation
from simkernel.conformance.program import Program
from simkernel.conformance.report import Report
from simkernel.conformance.systematic import systematic_programs
from simkernel.scenario.schema import Scenario

__all__ = ["MAX_FINDINGS", "Verification"]

MAX_FINDINGS = 20
"""Differences after which a verification ends: shrinking each takes its time."""
_AT_ONCE = 5
"""Random programs on one scenario, before the next has its turn."""


class Verification:
    """Plays programs on two kernels and keeps what it finds.

    :param comparison: has both kernels.
    :param report: is filled.
    :param progress: is told what is going on, one line at a time.
    :param note: is told each difference when it is found.
    :param max_findings: differences after which it ends.
    """

    def __init__(
        self,
        comparison: Comparison,
        report: Report,
        progress: Callable[[str], None],
        note: Callable[[str], None],
        *,
        max_findings: int = MAX_FINDINGS,
    ) -> None:
        self._most_findings = max_findings
        self._comparison = comparison
        self._progress = progress
        self._note = note
        self.report = report
        report.counts = comparison.counts
        self._known: set[tuple[str | None, ...]] = set()
        self._start = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether there are so many differences that more would not help."""
        return len(self.report.findings) >= self._most_findings

    def run_systematic(self, name: str, scenario: Scenario) -> None:
        """Play the systematic programs of a scenario."""
        for about, operations in systematic_programs(scenario):
            if not self.is_over:
                self._run(name, scenario, operations, about)

    def run_written(self, name: str, scenario: Scenario, program: Program) -> None:
        """Play a program that names the rules it shows."""
        found = self._run(name, scenario, program.operations, program.about)
        if found is None:
            self.report.agreed.update(program.rules)

    def run_random(
        self, scenarios: Mapping[str, Scenario], operations: int, seed: int
    ) -> None:
        """Play random programs until that many operations were compared.

        :param scenarios: by name; each has its turn.
        """
        from simkernel.conformance.random.programs import draw_programs

        drawn = {
            name: draw_programs(scenario, seed) for name, scenario in scenarios.items()
        }
        report, before = self.report, self.report.counts.operations
        earlier = report.random_operations
        while scenarios:
            for name, programs in drawn.items():
                for _ in range(_AT_ONCE):
                    done = report.counts.operations - before
                    report.random_operations = earlier + done
                    if done >= operations or self.is_over:
                        return
                    self._run(name, scenarios[name], next(programs), "random")

    def finish(self) -> Report:
        """Return the report."""
        report = self.report
        report.agreed.update(report.counts.rules)
        report.compare_s = time.monotonic() - self._start
        return report

    def _run(
        self,
        name: str,
        scenario: Scenario,
        operations: Sequence[Operation],
        about: str,
    ) -> Finding | None:
        self._progress(
            f"{name}: {about}; {self.report.counts.operations} operations, "
            f"{len(self.report.findings)} differences"
        )
        found = self._comparison.run(name, scenario, operations)
        if found is None:
            return None
        if _kind(found) in self._known:
            self.report.repeated += 1
            return found
        self._progress(f"{name}: a difference; making its program smaller")
        small = minimize(
            found,
            lambda one: self._comparison.replay(name, scenario, one),
            _names(scenario),
        )
        self._known |= {_kind(found), _kind(small)}
        if any(one.operations == small.operations for one in self.report.findings):
            self.report.repeated += 1
        else:
            self.report.findings.append(small)
            self._note(f"the kernels differ: {small}")
        return small


def _kind(finding: Finding) -> tuple[str | None, ...]:
    """Return what makes a difference a new one: last operation and first difference."""
    last = finding.operations[-1] if finding.operations else None
    file = getattr(last, "path", "").rpartition("/")[2]
    first = finding.differences[0]
    if first.what.startswith("/"):
        return type(last).__name__, file, first.what.rpartition("/")[2]
    return type(last).__name__, file, first.what, first.model, first.kernel


def _names(scenario: Scenario) -> tuple[tuple[str, ...], ...]:
    """Return the names that a shorter program may have instead of others."""
    words = Operands.of(scenario)
    drivers = {
        driver.name: None
        for module in sorted(
            scenario.modules, key=lambda one: one.name not in scenario.loaded
        )
        for driver in module.drivers
    }
    return tuple(drivers), words.endpoints
