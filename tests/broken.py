"""Simulated kernels with one wrong rule, to test the comparison."""

from __future__ import annotations

from functools import partial
from typing import Any

from simkernel.conformance.model_executor import ModelExecutor
from simkernel.host.boot import boot_host
from simkernel.model.core.device import Driver
from simkernel.model.core.driver_spec import PciId
from simkernel.model.core.services import Services
from simkernel.model.kernel import Kernel
from simkernel.model.pci.bus import PciBus
from simkernel.model.pci.function import PciDevice, PciFunction
from simkernel.model.vfio.core import Vfio


class BindsTwice(PciBus):
    """Binding a bound device succeeds."""

    def bind(self, driver: Driver, device: PciDevice) -> None:
        if device.driver is None or self.match(driver, device) is None:
            super().bind(driver, device)


class ComparesLoosely(PciBus):
    """``driver_override`` is compared only up to the shorter name's end."""

    def match(self, driver: Driver, device: PciDevice) -> PciId | None:
        kept = device.driver_override
        if kept and kept.startswith(driver.name.encode()):
            device.driver_override = driver.name.encode()
        try:
            return super().match(driver, device)
        finally:
            device.driver_override = kept


class Remembers(PciBus):
    """A function that comes back keeps its ``driver_override``."""

    def __init__(self, services: Services, vfio: Vfio) -> None:
        super().__init__(services, vfio)
        self._kept: dict[str, bytes | None] = {}

    def stop_and_remove(self, device: PciDevice) -> None:
        self._kept[device.name] = device.driver_override
        super().stop_and_remove(device)

    def add_function(
        self,
        function: PciFunction,
        parent: PciDevice | None,
        *,
        physfn: PciDevice | None = None,
    ) -> PciDevice:
        device = super().add_function(function, parent, physfn=physfn)
        device.driver_override = self._kept.get(device.name)
        return device


class _Kernel(Kernel):
    """A kernel with another PCI bus."""

    bus_class: type[PciBus]

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.pci = self.bus_class(self.services, self.vfio)
        self.buses["pci"] = self.pci


def broken_executor(bus: type[PciBus]) -> ModelExecutor:
    kernel = type("BrokenKernel", (_Kernel,), {"bus_class": bus})
    return ModelExecutor(partial(boot_host, kernel_class=kernel))


BROKEN = [BindsTwice, ComparesLoosely, Remembers]
"""All wrong kernels."""
