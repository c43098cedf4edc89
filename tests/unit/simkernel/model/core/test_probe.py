"""What probe and remove functions do on every bus."""

from __future__ import annotations

from errno import EIO

import pytest

from simkernel.model.core.clock import Clock
from simkernel.model.core.device import Device, Driver
from simkernel.model.core.driver_spec import DriverSpec, PciId
from simkernel.model.core.probe import ProbeFailure, play_probe, play_remove
from simkernel.model.modules.loaded import Module
from simkernel.model.modules.spec import ModuleSpec, ParameterSpec

DEVICE = Device("pci", "dev", "/devices/dev")
ENTRY = PciId(
    vendor=0xA1,
    device=0xA2,
    subvendor=0xA3,
    subdevice=0xA4,
    class_=0xA5,
    class_mask=0xA6,
    driver_data=0xA7,
)


def _module(**defaults: str) -> Module:
    parameters = tuple(
        ParameterSpec(name=name, default=text) for name, text in defaults.items()
    )
    return Module(ModuleSpec(name="m", path="kernel/m.ko", parameters=parameters))


def _clock(waits: list[float]) -> Clock:
    clock = Clock()
    clock.run(lambda: 0.0, waits.append)
    return clock


@pytest.mark.parametrize(
    ("fixed", "parameter", "expected"),
    [
        (0, "0", 0),
        (0, "3", 0),
        (0, "-5", EIO),
        (EIO, "3", EIO),
        (EIO, "-9", EIO),
        (0, "-1", 1),
        (1, "0", 1),
    ],
)
def test_probe_returns_its_errno(fixed: int, parameter: str, expected: int) -> None:
    """R-BIND-4: fixed, or by a parameter; 0 and above is success."""
    spec = DriverSpec(name="d", probe_errno=fixed, probe_parameter="result")
    driver, waits = Driver(spec, _module(result=parameter)), list[float]()

    if expected:
        with pytest.raises(ProbeFailure) as caught:
            play_probe(_clock(waits), driver, DEVICE, ENTRY)
        assert (caught.value.errno, caught.value.rule) == (expected, "R-BIND-4")
    else:
        play_probe(_clock(waits), driver, DEVICE, ENTRY)
    assert waits == []


def test_probe_and_remove_take_their_time() -> None:
    """In milliseconds; without a module, nothing is noted."""
    waits: list[float] = []
    spec = DriverSpec(
        name="d", probe_ms=20, remove_ms=30, notes_probe_in="x", counts_probes_in="y"
    )
    driver = Driver(spec, None)

    play_probe(_clock(waits), driver, DEVICE, ENTRY)
    play_remove(_clock(waits), driver, DEVICE)

    assert waits == [0.02, 0.03]


def test_calls_are_seen_in_parameters() -> None:
    """The last call, with every field of the entry; and the number of probes."""
    module = _module(last="", count="0")
    spec = DriverSpec(name="d", notes_probe_in="last", counts_probes_in="count")
    driver, clock = Driver(spec, module), Clock()

    play_probe(clock, driver, DEVICE, ENTRY)
    play_probe(clock, driver, DEVICE, ENTRY)
    text = "probe dev v=a1 d=a2 sv=a3 sd=a4 c=a5 m=a6 data=a7"
    assert module.parameters == {"last": text, "count": "2"}
    play_remove(clock, driver, DEVICE)
    assert module.parameters == {"last": "remove dev", "count": "2"}


def test_driver_that_notes_nothing_leaves_the_parameters() -> None:
    """Both are properties of certain drivers."""
    module = _module(last="", count="0")
    driver = Driver(DriverSpec(name="d"), module)

    play_probe(Clock(), driver, DEVICE, ENTRY)
    play_remove(Clock(), driver, DEVICE)

    assert module.parameters == {"last": "", "count": "0"}


def test_driver_without_module_or_parameter_has_zero() -> None:
    """A parameter of the owner is a number."""
    module = _module(number="7")

    assert Driver(DriverSpec(name="d"), module).parameter("number") == 7
    assert Driver(DriverSpec(name="d"), module).parameter("") == 0
    assert Driver(DriverSpec(name="d"), module).parameter("other") == 0
    assert Driver(DriverSpec(name="d"), None).parameter("number") == 0
    assert Driver(DriverSpec(name="d"), None).devpath == "/bus/pci/drivers/d"
