"""Registration of devices with VFIO: groups, nodes, numbers, uevents."""

from __future__ import annotations

from errno import EINVAL

import pytest

from simkernel.model.core.device import Device
from simkernel.model.core.features import Features
from simkernel.model.core.services import Services
from simkernel.model.modules.loaded import Module
from simkernel.model.modules.spec import ModuleSpec, ParameterSpec
from simkernel.model.vfio.core import Vfio
from simkernel.model.vfio.nodes import CDEV_MAJOR, CONTAINER, GROUP_MAJOR, NodeOwner
from tests.bench import refusal_of

OWNER = NodeOwner(1000, 1000, 0o600)


class _Host:
    """VFIO on a kernel without buses."""

    def __init__(
        self, release: str = "6.12.0", *, cdev: bool = True, noiommu: str = "N"
    ) -> None:
        self.services = Services(Features.of_release(release))
        self.vfio = Vfio(self.services, cdev=cdev)
        parameter = ParameterSpec(
            name="enable_unsafe_noiommu_mode", type="bool", default=noiommu
        )
        self.module = Module(
            ModuleSpec(name="vfio", path="kernel/vfio.ko", parameters=(parameter,))
        )
        self.services.uevents.start()
        self.vfio.init(self.module)

    def device(self, name: str, label: object = None) -> Device:
        device = Device("pci", name, f"/devices/{name}")
        if label is not None:
            self.services.iommu.add(device, label)
        return device

    def take_events(self) -> list[tuple[str, ...]]:
        events = [
            (one.action, one.devpath, *(f"{key}={text}" for key, text in one.variables))
            for one in self.services.uevents.events
        ]
        self.services.uevents.events.clear()
        return events


MISC = (
    "/devices/virtual/misc/vfio",
    "SUBSYSTEM=misc",
    "MAJOR=10",
    "MINOR=196",
    "DEVNAME=vfio/vfio",
    "DEVMODE=0666",
)


@pytest.mark.parametrize(
    ("release", "classes"), [("6.0.0", ["vfio"]), ("6.1.0", ["vfio", "vfio-dev"])]
)
def test_module_has_the_container_and_the_classes(
    release: str, classes: list[str]
) -> None:
    """R-VFIO-2: they come with the module and go with it, in reverse."""
    host = _Host(release)
    made = host.take_events()
    host.vfio.owners[CONTAINER] = OWNER
    is_present = host.vfio.present, host.vfio.has_device_class

    host.vfio.exit()

    names = [(f"/class/{name}", "SUBSYSTEM=class") for name in classes]
    assert made == [("add", *MISC), *(("add", *one) for one in names)]
    removed = [("remove", *one) for one in reversed(names)]
    assert host.take_events() == [*removed, ("remove", *MISC)]
    assert is_present == (True, len(classes) == 2)
    assert (host.vfio.present, host.vfio.has_device_class) == (False, False)
    assert host.vfio.owners == {}
    assert not host.vfio.allows_noiommu
    host.vfio.init(host.module)
    host.vfio.exit()


def _group(action: str, number: int) -> tuple[str, ...]:
    return (
        action,
        f"/devices/virtual/vfio/{number}",
        "SUBSYSTEM=vfio",
        f"MAJOR={GROUP_MAJOR}",
        f"MINOR={number}",
        f"DEVNAME=vfio/{number}",
    )


def _node(action: str, name: str, index: int) -> tuple[str, ...]:
    return (
        action,
        f"/devices/{name}/vfio-dev/vfio{index}",
        "SUBSYSTEM=vfio-dev",
        f"MAJOR={CDEV_MAJOR}",
        f"MINOR={index}",
        f"DEVNAME=vfio/devices/vfio{index}",
    )


def test_group_has_a_node_while_a_device_is_registered() -> None:
    """R-VFIO-3, R-VFIO-4: the first device makes it, the last one removes it."""
    host = _Host()
    a, b, c = host.device("a", 1), host.device("b", 1), host.device("c", 2)
    host.take_events()

    for one in (a, b, c):
        host.vfio.register(one)
    assert host.take_events() == [
        _group("add", 0),
        _node("add", "a", 0),
        _node("add", "b", 1),
        _group("add", 1),
        _node("add", "c", 2),
    ]
    assert host.vfio.devices == {0: a, 1: b, 2: c}
    assert host.vfio.groups == {0: [a, b], 1: [c]}
    assert host.vfio.node_names() == {"0": 0, "1": 1}

    first, second = a.iommu_group, c.iommu_group
    assert first is not None
    assert second is not None
    first.power["control"] = second.power["control"] = a.power["control"] = "on"
    host.vfio.unregister(a)
    assert host.take_events() == [_node("remove", "a", 0)]
    assert (a.vfio_index, a.power, first.power) == (None, {}, {"control": "on"})
    host.vfio.unregister(a)
    host.vfio.unregister(b)
    assert host.take_events() == [_node("remove", "b", 1), _group("remove", 0)]
    assert (host.vfio.devices, host.vfio.groups) == ({2: c}, {1: [c]})
    assert (first.power, second.power) == ({}, {"control": "on"})
    assert a.iommu_group is first
    host.vfio.register(b)
    assert b.vfio_index == 0


def test_owners_go_with_their_nodes() -> None:
    """R-DEV-2: root owns each new node."""
    host = _Host()
    device, other = host.device("a", 1), host.device("b", 1)
    host.vfio.register(device)
    host.vfio.register(other)
    numbers = (CDEV_MAJOR, 0), (CDEV_MAJOR, 1), (GROUP_MAJOR, 0)
    for number in numbers:
        host.vfio.set_owner(number, "x", OWNER)
        assert host.vfio.owners[number] == OWNER

    host.vfio.unregister(device)
    assert set(host.vfio.owners) == {numbers[1], numbers[2]}
    host.vfio.unregister(other)
    assert host.vfio.owners == {}
    host.vfio.register(device)
    host.vfio.unregister(device)


def test_device_without_group_is_refused() -> None:
    """R-VFIO-1, and without the module as well."""
    host = _Host()
    device = host.device("a")

    assert refusal_of(lambda: host.vfio.register(device)) == (EINVAL, "R-VFIO-1")
    assert host.vfio.groups == host.vfio.devices == {}
    host.vfio.unregister(device)
    none = Vfio(host.services, cdev=True)
    assert refusal_of(lambda: none.register(device)) == (EINVAL, "R-VFIO-1")


def test_noiommu_mode_makes_a_group() -> None:
    """R-VFIO-7: its node says so, the device has none, and both go together."""
    host = _Host(noiommu="Y")
    device, isolated = host.device("a"), host.device("b", 1)
    host.take_events()

    host.vfio.register(device)
    group = device.iommu_group
    assert group is not None
    assert (group.noiommu, group.name, group.number) == (True, "vfio-noiommu", 1)
    assert group.label == ("noiommu", "/devices/a")
    assert host.vfio.node_names() == {"noiommu-1": 1}
    assert not host.vfio.has_cdev(device)
    assert host.vfio.uevent_variables(device) == ()
    path = "/devices/virtual/vfio/noiommu-1"
    name = "DEVNAME=vfio/noiommu-1"
    major = f"MAJOR={GROUP_MAJOR}"
    assert host.take_events() == [
        ("add", path, "SUBSYSTEM=vfio", major, "MINOR=1", name),
        ("add", "/devices/a/vfio-dev/vfio0", "SUBSYSTEM=vfio-dev"),
    ]
    host.vfio.unregister(device)
    assert device.iommu_group is None
    host.vfio.register(isolated)
    assert host.vfio.has_cdev(isolated)
    host.vfio.unregister(isolated)
    assert isolated.iommu_group is not None


def test_nodes_of_devices_need_the_configuration() -> None:
    """CONFIG_VFIO_DEVICE_CDEV; and the device must be registered."""
    host = _Host(cdev=False)
    device = host.device("a", 1)
    host.vfio.register(device)
    assert not host.vfio.has_cdev(device)
    assert host.vfio.uevent_variables(device) == ()

    host = _Host()
    device = host.device("a", 1)
    assert host.vfio.uevent_variables(device) == ()
    host.vfio.register(device)
    variables = ("MAJOR", "243"), ("MINOR", "0"), ("DEVNAME", "vfio/devices/vfio0")
    assert host.vfio.uevent_variables(device) == variables
    assert host.vfio.cdev_numbers(device) == "243:0"
    host.take_events()
    more = ("SYNTH_UUID", "0")
    host.vfio.emit("change", device, more)
    assert device.iommu_group is not None
    host.vfio.emit_group("change", device.iommu_group, more)
    change, group = _node("change", "a", 0), _group("change", 0)
    assert host.take_events() == [
        (*one[:3], "SYNTH_UUID=0", *one[3:]) for one in (change, group)
    ]


def test_kernel_without_the_class_sends_no_uevents_of_devices() -> None:
    """Before 6.1."""
    host = _Host("6.0.0")
    host.take_events()

    host.vfio.register(host.device("a", 1))

    assert host.take_events() == [_group("add", 0)]


@pytest.mark.parametrize(("release", "pins"), [("6.9.0", 0), ("6.10.0", 1)])
def test_module_is_pinned_while_a_device_is_registered(release: str, pins: int) -> None:
    """R-VFIO-10: once, since 6.10."""
    host = _Host(release)
    a, b = host.device("a", 1), host.device("b", 2)

    assert host.module.pins == 0
    for register, expected in ((a, pins), (b, pins)):
        host.vfio.register(register)
        assert expected == host.module.pins
    for unregister, expected in ((b, pins), (a, 0)):
        host.vfio.unregister(unregister)
        assert expected == host.module.pins


def test_driver_waits_until_the_device_is_closed() -> None:
    """R-VFIO-8: while a user process owns the group."""
    host, sleeps = _Host(), list[float]()

    class Waited(Exception):
        pass

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        raise Waited

    host.services.clock.run(lambda: 0.0, sleep)
    device = host.device("a", 1)
    assert device.iommu_group is not None
    host.vfio.wait_until_closed(host.device("b"))
    host.vfio.wait_until_closed(device)
    device.iommu_group.user_owned = True
    with pytest.raises(Waited):
        host.vfio.wait_until_closed(device)
    assert sleeps == [3600.0]
