"""A comparison with a real kernel finds wrong rules of the simulated one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simkernel.conformance.comparison import Comparison
from simkernel.conformance.executor import Executor
from simkernel.conformance.report import Report
from simkernel.conformance.verification import Verification
from simkernel.fronts.vm.guest_executor import GuestExecutor
from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel
from simkernel.fronts.vm.machine.topology import plan_machines
from simkernel.fronts.vm.scenario.select_kernel import load_for
from simkernel.fronts.vm.scenario.support import supported_part
from simkernel.model.pci.bus import PciBus
from simkernel.scenario.schema import Scenario
from tests.broken import BROKEN, broken_executor

pytestmark = pytest.mark.real

NAME = "mlx5_vfio_pci"


@pytest.fixture(scope="module")
def real(kernel: InstalledKernel) -> Iterator[tuple[Scenario, Executor]]:
    """Return a scenario, and a real kernel that has it."""
    scenario = supported_part(load_for(NAME, {}, kernel.release))
    with GuestExecutor(kernel, plan_machines([scenario]), lambda text: None) as player:
        yield scenario, player


@pytest.mark.parametrize("bus", BROKEN)
def test_wrong_rule_is_found_and_shown_in_three_operations(
    bus: type[PciBus], real: tuple[Scenario, Executor]
) -> None:
    """The same programs find nothing in the correct model."""
    scenario, player = real
    report = Report(release=scenario.kernel.release, seed=1)
    verification = Verification(
        Comparison(broken_executor(bus), player), report, print, print, max_findings=1
    )

    verification.run_systematic(NAME, scenario)
    verification.run_random({NAME: scenario}, 2000, seed=1)

    (finding,) = verification.finish().findings
    assert 1 <= len(finding.operations) <= 3, str(finding)
