"""The services that buses, modules and VFIO use."""

from __future__ import annotations

from dataclasses import dataclass, field

from simkernel.model.core.clock import Clock
from simkernel.model.core.features import Features
from simkernel.model.core.iommu import IommuGroups
from simkernel.model.core.notifier import Notifier
from simkernel.model.core.uevent import UeventLog

__all__ = ["Services"]


@dataclass(frozen=True, slots=True)
class Services:
    """Services of one kernel; all its objects share them."""

    features: Features
    clock: Clock = field(default_factory=Clock)
    uevents: UeventLog = field(default_factory=UeventLog)
    notifier: Notifier = field(default_factory=Notifier)
    iommu: IommuGroups = field(default_factory=IommuGroups)
