"""The schema of scenarios: keys, types and meanings.

Values are as the author writes them; ``simkernel.scenario.specs`` converts them to the
specs of the kernel model.
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
from simkernel.scenario.schema.programs import (
    AddressEntry,
    NodeEntry,
    OpenFileEntry,
    ProcessEntry,
)
from simkernel.scenario.schema.scenario import Expected, Scenario

__all__ = [
    "AddressEntry",
    "DeviceEntry",
    "DriverEntry",
    "Expected",
    "FaultEntry",
    "KernelImage",
    "ModuleEntry",
    "NodeEntry",
    "OpenFileEntry",
    "OtherDeviceEntry",
    "ParameterEntry",
    "PciIdEntry",
    "ProcessEntry",
    "Scenario",
    "Sriov",
    "VirtualFunction",
]
