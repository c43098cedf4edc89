"""What a scenario may say: every key, its type and its meaning.

Values as the author writes them; :mod:`simkernel.host.boot` gives them to the
kernel model.
"""

from __future__ import annotations

from simkernel.scenario.schema.devices import Device, Sriov, VirtualFunction
from simkernel.scenario.schema.kernel import Fault, KernelImage
from simkernel.scenario.schema.modules import (
    Driver,
    Module,
    OtherDevice,
    Parameter,
    PciIdEntry,
)
from simkernel.scenario.schema.scenario import Expected, Scenario

__all__ = [
    "Device",
    "Driver",
    "Expected",
    "Fault",
    "KernelImage",
    "Module",
    "OtherDevice",
    "Parameter",
    "PciIdEntry",
    "Scenario",
    "Sriov",
    "VirtualFunction",
]
