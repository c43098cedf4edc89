"""Systematic programs on a scenario: each object and file in turn."""

from __future__ import annotations

from collections.abc import Iterator

from simkernel.conformance.operands import (
    PCI,
    Operands,
    device_file,
    driver_file,
)
from simkernel.conformance.operations import (
    Load,
    Operation,
    Operations,
    Plug,
    Read,
    Unload,
    Unplug,
    Write,
)
from simkernel.conformance.write_values import SETTINGS
from simkernel.scenario.schema import Scenario

__all__ = ["systematic_programs"]

_MAX_VALUES = 6
"""Number of values per setting that are tried; random programs try the others."""


def systematic_programs(scenario: Scenario) -> Iterator[tuple[str, Operations]]:
    """Yield the programs of a scenario: title and operations."""
    operands = Operands.of(scenario, max_virtual=1)
    yield "modules", tuple(_modules(operands))
    for number, address in enumerate(operands.endpoints):
        program = _drivers(operands, address, with_odd_overrides=not number)
        yield f"drivers of {address}", tuple(program)
    for address in operands.sriov:
        yield f"virtual functions of {address}", tuple(_virtual(operands, address))
    yield "removal", tuple(_removal(operands))
    if operands.endpoints:
        yield "settings", tuple(_settings(operands))
    if operands.others:
        yield "other buses", tuple(_other_buses(operands))


def _modules(operands: Operands) -> Iterator[Operation]:
    """Load each module, first without dependencies; unload all, users last."""
    for module in reversed(operands.modules):
        yield Load(module.name)
    for module in operands.modules:
        yield Load(module.name)
        yield Load(module.name)
        for parameter in module.parameters:
            yield Read(f"/sys/module/{module.name}/parameters/{parameter.name}")
    for module in operands.modules:
        yield Unload(module.name)
    for module in reversed(operands.modules):
        yield Unload(module.name)
        yield Unload(module.name)


def _drivers(
    operands: Operands, address: str, *, with_odd_overrides: bool
) -> Iterator[Operation]:
    """Bind a function to each driver, with and without override."""
    for module in operands.modules:
        if module.name not in operands.loaded:
            yield Load(module.name)
    name = address.encode()
    for driver in operands.drivers:
        bind, unbind = driver_file(driver, "bind"), driver_file(driver, "unbind")
        yield Write(bind, name)
        yield from operands.move(address, driver)
        yield Write(bind, name)
        yield Write(unbind, name)
        yield Write(unbind, name)
        yield Write(bind, name + b"\n")
        odd = (f"{driver}x", driver[:-1], driver.replace("_", "-"))
        for text in (*(odd if with_odd_overrides else ()), "\n"):
            yield Write(device_file(address, "driver_override"), text.encode())
            yield Write(unbind, name)
            yield Write(bind, name)
    yield Write(device_file(address, "driver/unbind"), name)
    yield Write(f"{PCI}/drivers_probe", name)


def _virtual(operands: Operands, address: str) -> Iterator[Operation]:
    """Enable and disable virtual functions, with each probing setting."""
    numvfs = device_file(address, "sriov_numvfs")
    autoprobe = device_file(address, "sriov_drivers_autoprobe")
    for text in (b"0", b"0", b"1", b"1", b"2", b"65535", b"65536", b"0"):
        yield Write(numvfs, text)
    yield Write(autoprobe, b"0")
    yield Write(numvfs, b"1")
    for driver in operands.drivers:
        yield Write(driver_file(driver, "unbind"), address.encode())
    yield Write(numvfs, b"0")
    yield Write(f"{PCI}/drivers_probe", address.encode())
    yield Write(numvfs, b"0")
    yield Write(autoprobe, b"1")
    yield Write(numvfs, b"2")
    yield Write(device_file(address, "remove"), b"1")
    yield Write(f"{PCI}/rescan", b"1")
    yield Write(numvfs, b"1")


def _removal(operands: Operands) -> Iterator[Operation]:
    """Remove each function, orderly and by surprise, and rescan."""
    for address in (*operands.endpoints, *operands.bridges):
        yield Write(device_file(address, "remove"), b"1")
        yield Write(f"{PCI}/drivers_probe", address.encode())
        yield Write(f"{PCI}/rescan", b"1")
    for address in operands.physical:
        yield Unplug(address)
        yield Write(f"{PCI}/rescan", b"1")
        yield Write(device_file(address, "remove"), b"1")
        yield Write(f"{PCI}/rescan", b"1")
        yield Plug(address)
        yield Write(f"{PCI}/rescan", b"1")
    yield Write(f"{PCI}/drivers_autoprobe", b"0")
    for address in operands.physical[:1]:
        yield Write(device_file(address, "remove"), b"1")
        yield Write(f"{PCI}/rescan", b"1")


def _settings(operands: Operands) -> Iterator[Operation]:
    """Write the first values of every setting, to a physical and a virtual function."""
    for address in dict.fromkeys((operands.endpoints[0], operands.endpoints[-1])):
        yield Write(device_file(address, "driver/unbind"), address.encode())
        for name, texts in SETTINGS.items():
            for text in texts[:_MAX_VALUES]:
                yield Write(device_file(address, name), text)
        yield Write(f"{PCI}/drivers_probe", address.encode())


def _other_buses(operands: Operands) -> Iterator[Operation]:
    """Offer each device of another bus to each driver of that bus."""
    for module in operands.modules:
        yield Load(module.name)
    for bus, name in operands.others:
        base = f"/sys/bus/{bus}/devices/{name}"
        for other, driver in operands.other_drivers:
            if other == bus:
                yield Write(f"{base}/driver_override", driver.encode())
                yield Write(f"{base}/driver/unbind", name.encode())
                yield Write(f"/sys/bus/{bus}/drivers_probe", name.encode())
                yield Write(driver_file(driver, "bind", bus), name.encode())
        yield Write(f"{base}/driver_override", b"\n")
