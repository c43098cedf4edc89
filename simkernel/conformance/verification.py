"""Runs all programs of a verification, and collects the differences."""

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
"""Number of findings that ends a verification: minimizing each takes time."""
_PER_TURN = 5
"""Random programs on one scenario before the next scenario's turn."""


class Verification:
    """Runs programs on two kernels and reports the differences.

    :param comparison: the two kernels.
    :param report: receives the results.
    :param progress: receives the current step as text.
    :param note: receives each finding as text.
    :param max_findings: number of findings that ends the verification.
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
        self._signatures: set[tuple[str | None, ...]] = set()
        self._start = time.monotonic()

    @property
    def is_full(self) -> bool:
        """Whether the maximum number of findings is reached."""
        return len(self.report.findings) >= self._most_findings

    def run_systematic(self, name: str, scenario: Scenario) -> None:
        """Run the systematic programs of a scenario."""
        for about, operations in systematic_programs(scenario):
            if not self.is_full:
                self._run(name, scenario, operations, about)

    def run_written(self, name: str, scenario: Scenario, program: Program) -> None:
        """Run a written program; agreement confirms its rules."""
        found = self._run(name, scenario, program.operations, program.about)
        if found is None:
            self.report.agreed.update(program.rules)

    def run_random(
        self, scenarios: Mapping[str, Scenario], operations: int, seed: int
    ) -> None:
        """Run random programs until a number of operations was compared.

        :param scenarios: scenarios by name; they take turns.
        :param seed: seed of the random programs.
        """
        from simkernel.conformance.random.programs import draw_programs

        drawn = {
            name: draw_programs(scenario, seed) for name, scenario in scenarios.items()
        }
        report, before = self.report, self.report.counts.operations
        earlier = report.random_operations
        while scenarios:
            for name, programs in drawn.items():
                for _ in range(_PER_TURN):
                    done = report.counts.operations - before
                    report.random_operations = earlier + done
                    if done >= operations or self.is_full:
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
        if _signature(found) in self._signatures:
            self.report.repeated += 1
            return found
        self._progress(f"{name}: a difference; minimizing its program")
        small = minimize(
            found,
            lambda one: self._comparison.replay(name, scenario, one),
            _interchangeable(scenario),
        )
        self._signatures |= {_signature(found), _signature(small)}
        if any(one.operations == small.operations for one in self.report.findings):
            self.report.repeated += 1
        else:
            self.report.findings.append(small)
            self._note(f"the kernels differ: {small}")
        return small


def _signature(finding: Finding) -> tuple[str | None, ...]:
    """Return what identifies a difference: last operation and first difference."""
    last = finding.operations[-1] if finding.operations else None
    file = getattr(last, "path", "").rpartition("/")[2]
    first = finding.differences[0]
    if first.what.startswith("/"):
        return type(last).__name__, file, first.what.rpartition("/")[2]
    return type(last).__name__, file, first.what, first.model, first.kernel


def _interchangeable(scenario: Scenario) -> tuple[tuple[str, ...], ...]:
    """Return interchangeable names, for the minimizer."""
    words = Operands.of(scenario)
    drivers = {
        driver.name: None
        for module in sorted(
            scenario.modules, key=lambda one: one.name not in scenario.loaded
        )
        for driver in module.drivers
    }
    return tuple(drivers), words.endpoints
