"""What a scenario may say: every key, its type and its meaning.

Values as the author writes them; :mod:`simkernel.host.boot` gives them to the
kernel model.
"""

from __future__ import annotations

from simkernel.scenario.schema.devices import DeviceEntry, Sriov, VirtualFunction
from simkernel.scenario.schema.kernel import FaultEntry, KernelImage
from simkernel.scenario.schema.modules import (
    DriverEntry,
    ModuleEntry,
    OtherDeviceEntry,
    ParameterEntry,
    PciIdEntry,
)
from simkernel.scenario.schema.scenario import Expected, Scenario

__all__ = [
    "DeviceEntry",
    "DriverEntry",
    "Expected",
    "FaultEntry",
    "KernelImage",
    "ModuleEntry",
    "OtherDeviceEntry",
    "ParameterEntry",
    "PciIdEntry",
    "Scenario",
    "Sriov",
    "VirtualFunction",
]
