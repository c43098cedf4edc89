"""A scenario without what a guest does not have.

The simulated kernel is compared with a real one on what is left.
"""

from __future__ import annotations

from dataclasses import replace

from simkernel.fronts.vm.scenario.support import is_kernels
from simkernel.scenario.schema import Scenario

__all__ = ["COMMAND_LINE", "reduced"]

COMMAND_LINE = "intel_iommu=on iommu=pt"
"""What a guest's kernel is told about its IOMMU."""


def reduced(scenario: Scenario) -> Scenario:
    """Return what of a scenario can be had: all but what ``left_out`` names."""
    return replace(
        scenario,
        kernel=replace(
            scenario.kernel, vfio_cdev=False, lockdown="", cmdline=COMMAND_LINE
        ),
        modules=tuple(
            replace(one, vanishes=False, late_ms=0) for one in scenario.modules
        ),
        files={
            path: text for path, text in scenario.files.items() if not is_kernels(path)
        },
        links={},
        other_devices=(),
        owned_groups=(),
        faults=(),
        udev=False,
    )
