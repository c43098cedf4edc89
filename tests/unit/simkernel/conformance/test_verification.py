"""A verification with a wrong kernel, and with one that crashes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from simkernel.conformance.comparison import Comparison
from simkernel.conformance.executor import Answer, KernelLost, State
from simkernel.conformance.model_executor import ModelExecutor
from simkernel.conformance.operations import Operation, Read, Write, to_line
from simkernel.conformance.program import Program
from simkernel.conformance.report import Report
from simkernel.conformance.verification import Verification
from simkernel.model.pci.bus import PciBus
from simkernel.scenario.render import load
from simkernel.scenario.schema import Scenario
from tests.broken import BROKEN, BindsTwice, broken_executor

NAME = "mlx5_vfio_pci"
PROBE = "/sys/bus/pci/drivers_probe"


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """Return a small host with a virtual function and a variant driver."""
    return load(NAME, {"vfs": "1"})


def _verification(kernel: Any, **more: int) -> Verification:
    report = Report(release="6.12.117-test", version="6.12.117", seed=1)
    comparison = Comparison(ModelExecutor(), kernel)
    return Verification(comparison, report, lambda line: None, print, **more)


@pytest.mark.parametrize("bus", BROKEN)
def test_wrong_rule_is_found_and_shown_in_three_operations(
    bus: type[PciBus], scenario: Scenario
) -> None:
    """Random programs find each wrong rule, and are minimized."""
    verification = _verification(broken_executor(bus), max_findings=1)

    verification.run_random({NAME: scenario}, 4000, seed=1)

    (finding,) = verification.finish().findings
    assert len(finding.operations) <= 3, str(finding)


def test_systematic_programs_find_a_wrong_rule(scenario: Scenario) -> None:
    """No random program is needed to bind a bound device."""
    verification = _verification(broken_executor(BindsTwice))

    verification.run_systematic(NAME, scenario)

    expected = [f"write /sys/bus/pci/drivers/mlx5_core/bind '{_PF}'"]
    assert expected in [
        [to_line(step) for step in one.operations]
        for one in verification.finish().findings
    ]


_PF = "0000:3b:00.0"


def test_kernel_that_is_right_differs_in_nothing(scenario: Scenario) -> None:
    """The model equals itself, and the report lists confirmed rules."""
    verification = _verification(ModelExecutor())

    verification.run_systematic(NAME, scenario)
    verification.run_random({NAME: scenario}, 100, seed=1)
    verification.run_random({NAME: scenario}, 100, seed=2)
    verification.run_written(
        NAME,
        scenario,
        Program(scenario=NAME, operations=(Write(PROBE, b"0"),), rules=("R-NAME-1",)),
    )

    report = verification.finish()
    assert report.findings == []
    assert {"R-NAME-1", "R-BIND-3", "R-MOD-1"} <= report.agreed
    assert 200 <= report.random_operations < report.counts.operations
    assert "no difference beyond those" in report.to_text()
    assert report.to_json()["differences"] == []


class _Dying(ModelExecutor):
    """A kernel that crashes on an operation."""

    def execute(self, operations: Sequence[Operation]) -> list[Answer]:
        if Read(PROBE) in operations:
            raise KernelLost("the guest's kernel panicked: Oops")
        return super().execute(operations)

    def reset(self, scenario: Scenario) -> State:
        return super().reset(scenario)


def test_operation_that_kills_the_kernel_is_reported(scenario: Scenario) -> None:
    """The operation is found, and the verification continues."""
    verification = _verification(_Dying())
    deadly = Program(
        scenario=NAME, operations=(Write(PROBE, b"0"), Read(PROBE), Write(PROBE, b"1"))
    )

    verification.run_written(NAME, scenario, deadly)
    verification.run_random({NAME: scenario}, 50, seed=1)

    report = verification.finish()
    assert [(Read(PROBE),)] == [one.operations for one in report.findings]
    assert "the guest's kernel panicked" in report.to_text()
    assert report.random_operations >= 50
