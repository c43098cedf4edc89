"""A real kernel notices when the simulated one has a rule wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simkernel.conformance.judge import Judge
from simkernel.conformance.player import Player
from simkernel.conformance.report import Report
from simkernel.conformance.verification import Verification
from simkernel.fronts.vm.machine.kernel import Kernel
from simkernel.fronts.vm.machine.topology import plans
from simkernel.fronts.vm.player import GuestPlayer
from simkernel.fronts.vm.scenario.choose import load_for
from simkernel.fronts.vm.scenario.reduced import reduced
from simkernel.model.pci.bus import PciBus
from simkernel.scenario.schema import Scenario
from tests.broken import BROKEN, broken_player

pytestmark = pytest.mark.real

NAME = "mlx5_vfio_pci"


@pytest.fixture(scope="module")
def real(kernel: Kernel) -> Iterator[tuple[Scenario, Player]]:
    """Return a scenario, and a real kernel that has it."""
    scenario = reduced(load_for(NAME, {}, kernel.release))
    with GuestPlayer(kernel, plans([scenario]), lambda text: None) as player:
        yield scenario, player


@pytest.mark.parametrize("bus", BROKEN)
def test_wrong_rule_is_found_and_shown_in_three_operations(
    bus: type[PciBus], real: tuple[Scenario, Player]
) -> None:
    """The same words that find nothing in the right model."""
    scenario, player = real
    report = Report(release=scenario.kernel.release, seed=1)
    verification = Verification(
        Judge(broken_player(bus), player), report, print, print, most_findings=1
    )

    verification.play_scripts(NAME, scenario)
    verification.play_random({NAME: scenario}, 2000, seed=1)

    (finding,) = verification.finish().findings
    assert 1 <= len(finding.operations) <= 3, str(finding)
