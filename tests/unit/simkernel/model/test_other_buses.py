"""Matching, overrides and modaliases on buses other than PCI."""

from __future__ import annotations

from errno import EIO, ENODEV

import pytest

from simkernel.model.core.device import Driver
from simkernel.model.core.driver_spec import DriverSpec
from simkernel.model.kernel import Kernel
from simkernel.model.modules.loaded import Module
from simkernel.model.modules.spec import DeviceSpec, ModuleSpec, ParameterSpec
from simkernel.model.other_buses import BUS_KINDS, OtherBus, OtherDevice, Override
from tests.bench import refusal_of


def _bus(name: str) -> OtherBus:
    return Kernel("6.12.0", buses=[name]).other_buses[name]


def _device(bus: OtherBus, identity: str, override: str | None = None) -> OtherDevice:
    device = bus.add("one", identity)
    device.driver_override = override.encode() if override else None
    return device


def _driver(bus: OtherBus, name: str, *match: str) -> Driver:
    return Driver(DriverSpec(name=name, bus=bus.name, match=match), None)


@pytest.mark.parametrize(
    ("bus", "entry", "identity", "expected"),
    [
        ("platform", "foo", "foo", True),
        ("platform", "foo", "bar", False),
        ("amba", "00041011/000fffff", "10041011", True),
        ("amba", "00041011/000fffff", "10041012", False),
        ("amba", "00041011", "00041011", True),
        ("amba", "00041011", "80041011", False),
        ("fsl-mc", "1957:dpni", "1957:dpni", True),
        ("fsl-mc", "1957:dpni", "1957:dprc", False),
        ("cdx", "10ee:8084", "10ee:8084:10ee:0001", True),
        ("cdx", "*:*:10ee", "10ee:8084:10ef:0001", False),
        ("cdx", "vfio *:8084", "10ee:8084", False),
        ("css", "0", "0", True),
        ("css", "0", "1", False),
        ("ap", "0a", "0a", True),
        ("mdev", "0", "0", False),
    ],
)
def test_entry_fits(bus: str, entry: str, identity: str, expected: bool) -> None:
    """Each bus compares ids in its own way; on mdev nothing ever fits."""
    subject = _bus(bus)
    device = _device(subject, identity)

    assert expected == (subject.match(_driver(subject, "d", entry), device) is not None)


def test_platform_driver_without_table_takes_its_name() -> None:
    """Only where there is no table does the name decide."""
    bus = _bus("platform")
    device = _device(bus, "foo")

    assert bus.match(_driver(bus, "foo"), device) is not None
    assert bus.match(_driver(bus, "foo", "bar"), device) is None


@pytest.mark.parametrize("bus", sorted(BUS_KINDS))
def test_override_decides_narrows_or_is_absent(bus: str) -> None:
    """What the named driver needs in its table depends on the bus."""
    kind = BUS_KINDS[bus]
    subject = _bus(bus)
    identity = "1957:dpni" if bus == "fsl-mc" else "0"
    device = _device(subject, identity, "named")

    stranger = subject.match(_driver(subject, "named", "ffff"), device)
    other = subject.match(_driver(subject, "other", identity), device)

    if kind.override is not Override.ABSENT:
        assert (kind.override is Override.DECIDES) == (stranger is not None)
        assert other is None


def test_override_only_entry_of_cdx_needs_the_override() -> None:
    """vfio-cdx takes any device, but only when asked to."""
    bus = _bus("cdx")
    driver = _driver(bus, "vfio-cdx", "vfio *:*")
    device = _device(bus, "10ee:8084")

    assert bus.match(driver, device) is None
    device.driver_override = b"vfio-cdx"
    assert bus.match(driver, device) is not None


@pytest.mark.parametrize(
    ("bus", "identity", "expected"),
    [
        ("platform", "foo-bar", "platform:foo-bar"),
        ("amba", "00041011", "amba:d00041011"),
        ("fsl-mc", "1957:dpni", "fsl-mc:v00001957ddpni"),
        ("fsl-mc", "1957:a:b", "fsl-mc:v00001957da:b"),
        ("cdx", "10ee:8084:10ee:1", "cdx:v10EEd8084sv10EEsd0001c000000"),
        ("css", "0", "css:t0"),
        ("ap", "a", "ap:t0A"),
        ("mdev", "x", ""),
    ],
)
def test_modalias(bus: str, identity: str, expected: str) -> None:
    """The text is the one that the bus's alias patterns are made for."""
    assert expected == _device(_bus(bus), identity).modalias


def test_automatic_numbers_are_the_lowest_free() -> None:
    """Names that end in .auto get numbers as platform devices do."""
    bus = _bus("platform")
    names = [bus.add(f"{stem}.auto", "x").name for stem in ("a", "b", "a")]
    bus.remove_device(bus.devices[names[1]])

    assert names == ["a.0.auto", "b.1.auto", "a.2.auto"]
    assert bus.add("c.auto", "x").name == "c.1.auto"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (DriverSpec(name="d", bus="platform", virtual_only=EIO), (EIO, "R-BIND-4")),
        (DriverSpec(name="d", bus="platform", ports=True), (ENODEV, "R-PCI-10")),
        (DriverSpec(name="d", bus="platform", probe_errno=EIO), (EIO, "R-BIND-4")),
    ],
)
def test_driver_of_pci_functions_refuses_other_devices(
    spec: DriverSpec, expected: tuple[int, str]
) -> None:
    """No virtual function, no PCI Express port; and a probe that fails."""
    bus = _bus("platform")
    device = _device(bus, "x", "d")

    assert expected == refusal_of(lambda: bus.bind(Driver(spec, None), device))
    assert device.driver is None


@pytest.mark.parametrize("is_vfio", [True, False])
def test_vfio_driver_registers_the_device(is_vfio: bool) -> None:
    """R-VFIO-3, R-VFIO-4: and unregisters it at the release."""
    kernel = Kernel("6.12.0", buses=["platform"])
    device = kernel.add_other_device(
        DeviceSpec(bus="platform", name="x", id="x", iommu=True)
    )
    bus = kernel.other_buses["platform"]
    spec = DriverSpec(
        name="x", bus="platform", vfio=is_vfio, remove_ms=3, notes_probe_in="last"
    )
    sleeps: list[float] = []
    kernel.clock.run(lambda: 0.0, sleeps.append)

    bus.register_driver(Driver(spec, None))
    assert device.driver is not None
    assert is_vfio is (kernel.vfio.devices == {0: device})
    bus.release(device)

    assert kernel.vfio.devices == {}
    assert sleeps == [0.003]


def test_module_notes_the_calls_of_its_driver() -> None:
    """The entry of another bus is shown as one that matches any device."""
    parameters = (ParameterSpec(name="last", default=""),)
    module = Module(ModuleSpec(name="m", path="kernel/m.ko", parameters=parameters))
    bus = _bus("platform")
    device = _device(bus, "x")
    spec = DriverSpec(name="x", bus="platform", notes_probe_in="last")
    driver = Driver(spec, module)

    bus.bind(driver, device)
    noted = module.parameters["last"]
    bus.unbind(driver, device)

    ids = "v=ffffffff d=ffffffff sv=ffffffff sd=ffffffff c=0 m=0 data=0"
    assert noted == f"probe one {ids}"
    assert module.parameters["last"] == "remove one"


def test_vfio_driver_waits_for_the_user_process() -> None:
    """R-VFIO-8: the remove function does not return while the device is open."""
    kernel = Kernel("6.12.0")
    bus = kernel.other_buses["platform"]
    device = bus.add("x", "x", iommu=True)
    assert device.iommu_group is not None
    bus.register_driver(Driver(DriverSpec(name="x", bus="platform", vfio=True), None))

    class Waited(Exception):
        pass

    def sleep(seconds: float) -> None:
        raise Waited

    device.iommu_group.user_owned = True
    kernel.clock.run(lambda: 0.0, sleep)
    with pytest.raises(Waited):
        bus.release(device)


def test_device_has_a_group_if_an_iommu_is_before_it() -> None:
    """Alone; the group's label is its path."""
    kernel = Kernel("6.12.0", buses=["platform", "cdx", "ap"])
    specs = [
        DeviceSpec(bus=bus, name=name, id="1", iommu=iommu)
        for bus, name, iommu in (
            ("platform", "a", True),
            ("cdx", "b", True),
            ("ap", "c", False),
        )
    ]

    a, b, c = (kernel.add_other_device(spec) for spec in specs)

    assert [one.devpath for one in (a, b, c)] == [
        "/devices/platform/a",
        "/devices/cdx-00/b",
        "/devices/ap/c",
    ]
    groups = {
        number: (one.label, list(one.devices.values()))
        for number, one in kernel.iommu.by_number.items()
    }
    assert groups == {0: (a.devpath, [a]), 1: (b.devpath, [b])}
    assert c.iommu_group is None
    assert kernel.other_buses["ap"].add("d", "1").iommu_group is None
    with pytest.raises(KeyError):
        kernel.add_other_device(DeviceSpec(bus="css", name="e", id="1"))


def test_new_device_is_probed_if_autoprobe_is_on() -> None:
    """``drivers_autoprobe`` of its bus."""
    bus = _bus("platform")
    driver = _driver(bus, "x")
    bus.register_driver(driver)

    first = bus.add("a", "x")
    bus.autoprobe = False
    second = bus.add("b", "x")

    assert (first.driver, second.driver) == (driver, None)
