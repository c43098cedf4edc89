"""The operands of generated programs: functions, drivers, modules, ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simkernel.conformance.observation_scope import ObservationScope
from simkernel.conformance.operations import Load, Operation, Write
from simkernel.scenario.schema import ModuleEntry, Scenario

__all__ = ["PCI", "Operands", "device_file", "driver_file"]

PCI = "/sys/bus/pci"


def device_file(address: str, name: str) -> str:
    """Return the path of a file of a PCI function."""
    return f"{PCI}/devices/{address}/{name}"


def driver_file(driver: str, name: str, bus: str = "pci") -> str:
    """Return the path of a file of a driver."""
    return f"/sys/bus/{bus}/drivers/{driver}/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operands:
    """The operands that a scenario offers."""

    endpoints: tuple[str, ...]
    """Addresses of functions other than bridges, including the first virtual ones."""
    physical: tuple[str, ...]
    """Addresses of the physical functions among them."""
    sriov: tuple[str, ...]
    """Addresses of functions with SR-IOV."""
    bridges: tuple[str, ...]
    drivers: tuple[str, ...]
    """PCI drivers."""
    modules: tuple[ModuleEntry, ...]
    """Loadable modules, each after its dependencies."""
    loaded: tuple[str, ...]
    """Initially loaded modules."""
    ids: tuple[str, ...]
    """``vendor device`` of the functions, hexadecimal."""
    others: tuple[tuple[str, str], ...]
    """Bus and name of the devices outside PCI."""
    other_drivers: tuple[tuple[str, str], ...]
    """Bus and name of the drivers outside PCI."""

    @classmethod
    def of(cls, scenario: Scenario, *, max_virtual: int = 3) -> Operands:
        """Return the operands of a scenario.

        :param max_virtual: maximum number of virtual functions.
        """
        scope = ObservationScope.of(scenario)
        physical = [a for a in scope.functions if a not in scope.bridges]
        virtual = scope.virtual_functions[:max_virtual]
        drivers = [driver for module in scenario.modules for driver in module.drivers]
        return cls(
            endpoints=(*physical, *virtual),
            physical=tuple(physical),
            sriov=tuple(one.address for one in scenario.devices if one.sriov),
            bridges=scope.bridges,
            drivers=tuple(dict.fromkeys(d.name for d in drivers if d.bus == "pci")),
            modules=_in_order(scenario.modules),
            loaded=scenario.loaded,
            ids=tuple(
                dict.fromkeys(one.id.replace(":", " ") for one in scenario.devices)
            ),
            others=scope.other_devices,
            other_drivers=tuple(one for one in scope.drivers if one[0] != "pci"),
        )

    def module(self, name: str) -> ModuleEntry:
        """Return a module by name."""
        return next(one for one in self.modules if one.name == name)

    def load(self, name: str, parameters: str = "") -> tuple[Operation, ...]:
        """Return the operations that load a module after its dependencies."""
        found: dict[str, None] = {}
        self._needs(name, found)
        return (*(Load(one) for one in found), Load(name, parameters))

    def _needs(self, name: str, found: dict[str, None]) -> None:
        names = {one.name for one in self.modules}
        for needed in self.module(name).depends:
            if needed in names and needed not in self.loaded:
                self._needs(needed, found)
                found[needed] = None

    def move(self, address: str, driver: str) -> tuple[Operation, ...]:
        """Return the operations that bind a function to a driver."""
        name = address.encode()
        return (
            Write(device_file(address, "driver_override"), driver.encode()),
            Write(device_file(address, "driver/unbind"), name),
            Write(f"{PCI}/drivers_probe", name),
        )


def _in_order(modules: Sequence[ModuleEntry]) -> tuple[ModuleEntry, ...]:
    """Return the loadable modules with any effect, each after its dependencies."""
    loadable = {one.name: one for one in modules if not one.builtin}
    placed: dict[str, ModuleEntry] = {}

    def place(module: ModuleEntry) -> None:
        for needed in module.depends:
            if needed in loadable:
                place(loadable[needed])
        placed.setdefault(module.name, module)

    for one in modules:
        if not one.builtin and (one.drivers or one.parameters or one.devices):
            place(one)
    return tuple(placed.values())
