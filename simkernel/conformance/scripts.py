"""Systematic programs on a scenario: everything that it has is tried once in order."""

from __future__ import annotations

from collections.abc import Iterator

from simkernel.conformance.operations import (
    Load,
    Operation,
    Plug,
    Read,
    Unload,
    Unplug,
    Write,
)
from simkernel.conformance.texts import SETTINGS
from simkernel.conformance.vocabulary import (
    PCI,
    Vocabulary,
    device_file,
    driver_file,
)
from simkernel.scenario.schema import Scenario

__all__ = ["scripts"]

Program = tuple[Operation, ...]

_USUAL = 6
"""Texts of each setting that are tried; the others come at random."""


def scripts(scenario: Scenario) -> Iterator[tuple[str, Program]]:
    """Yield the programs of a scenario: what each is about, and its operations."""
    words = Vocabulary.of(scenario, most_virtual=1)
    yield "modules", tuple(_modules(words))
    for number, address in enumerate(words.endpoints):
        program = _drivers(words, address, with_odd_overrides=not number)
        yield f"drivers of {address}", tuple(program)
    for address in words.sriov:
        yield f"virtual functions of {address}", tuple(_virtual(words, address))
    yield "removal", tuple(_removal(words))
    if words.endpoints:
        yield "settings", tuple(_settings(words))
    if words.others:
        yield "other buses", tuple(_other_buses(words))


def _modules(words: Vocabulary) -> Iterator[Operation]:
    """Load each module, first without what it needs; unload all, users last."""
    for module in reversed(words.modules):
        yield Load(module.name)
    for module in words.modules:
        yield Load(module.name)
        yield Load(module.name)
        for parameter in module.parameters:
            yield Read(f"/sys/module/{module.name}/parameters/{parameter.name}")
    for module in words.modules:
        yield Unload(module.name)
    for module in reversed(words.modules):
        yield Unload(module.name)
        yield Unload(module.name)


def _drivers(
    words: Vocabulary, address: str, *, with_odd_overrides: bool
) -> Iterator[Operation]:
    """Take a function through every driver, with override and without."""
    for module in words.modules:
        if module.name not in words.loaded:
            yield Load(module.name)
    name = address.encode()
    for driver in words.drivers:
        bind, unbind = driver_file(driver, "bind"), driver_file(driver, "unbind")
        yield Write(bind, name)
        yield from words.move(address, driver)
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


def _virtual(words: Vocabulary, address: str) -> Iterator[Operation]:
    """Let virtual functions come and go, with each state of their probing."""
    numvfs = device_file(address, "sriov_numvfs")
    autoprobe = device_file(address, "sriov_drivers_autoprobe")
    for text in (b"0", b"0", b"1", b"1", b"2", b"65535", b"65536", b"0"):
        yield Write(numvfs, text)
    yield Write(autoprobe, b"0")
    yield Write(numvfs, b"1")
    for driver in words.drivers:
        yield Write(driver_file(driver, "unbind"), address.encode())
    yield Write(numvfs, b"0")
    yield Write(f"{PCI}/drivers_probe", address.encode())
    yield Write(numvfs, b"0")
    yield Write(autoprobe, b"1")
    yield Write(numvfs, b"2")
    yield Write(device_file(address, "remove"), b"1")
    yield Write(f"{PCI}/rescan", b"1")
    yield Write(numvfs, b"1")


def _removal(words: Vocabulary) -> Iterator[Operation]:
    """Take each function away, by the kernel and by surprise, and find it again."""
    for address in (*words.endpoints, *words.bridges):
        yield Write(device_file(address, "remove"), b"1")
        yield Write(f"{PCI}/drivers_probe", address.encode())
        yield Write(f"{PCI}/rescan", b"1")
    for address in words.physical:
        yield Unplug(address)
        yield Write(f"{PCI}/rescan", b"1")
        yield Write(device_file(address, "remove"), b"1")
        yield Write(f"{PCI}/rescan", b"1")
        yield Plug(address)
        yield Write(f"{PCI}/rescan", b"1")
    yield Write(f"{PCI}/drivers_autoprobe", b"0")
    for address in words.physical[:1]:
        yield Write(device_file(address, "remove"), b"1")
        yield Write(f"{PCI}/rescan", b"1")


def _settings(words: Vocabulary) -> Iterator[Operation]:
    """Write the usual texts to every setting of a function, then of a virtual one."""
    for address in dict.fromkeys((words.endpoints[0], words.endpoints[-1])):
        yield Write(device_file(address, "driver/unbind"), address.encode())
        for name, texts in SETTINGS.items():
            for text in texts[:_USUAL]:
                yield Write(device_file(address, name), text)
        yield Write(f"{PCI}/drivers_probe", address.encode())


def _other_buses(words: Vocabulary) -> Iterator[Operation]:
    """Offer each device of another bus to each driver of that bus."""
    for module in words.modules:
        yield Load(module.name)
    for bus, name in words.others:
        base = f"/sys/bus/{bus}/devices/{name}"
        for other, driver in words.other_drivers:
            if other == bus:
                yield Write(f"{base}/driver_override", driver.encode())
                yield Write(f"{base}/driver/unbind", name.encode())
                yield Write(f"/sys/bus/{bus}/drivers_probe", name.encode())
                yield Write(driver_file(driver, "bind", bus), name.encode())
        yield Write(f"{base}/driver_override", b"\n")
