"""Enumeration, probes and removal of PCI functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from errno import EBUSY, EINVAL, ENODEV

import pytest

from simkernel.host.boot import boot_host
from simkernel.model.core.notifier import Change, Kind, Notice, Observer
from simkernel.model.kernel import Kernel
from simkernel.model.pci import sriov
from simkernel.model.pci.function import PciAddress, PciFunction
from simkernel.model.vfio.nodes import NodeOwner
from simkernel.scenario.render import parse
from tests.bench import GPU, NIC, VF, bench, device, refusal_of

PF = "0000:02:00.0"
_TREE = """
kernel: {release: 6.12.0}
modules:
  - {name: any, path: kernel/any.ko, drivers: [{name: any, ids: [{id: "1:3"}]}]}
loaded: [any]
devices:
  - {address: "0000:02:00.0", id: "0001:0003", class: "020000"}
  - {address: "0000:00:03.0", id: "0001:0003", class: "020000"}
  - {address: "0000:01:01.0", id: "0001:0003", class: "020000"}
  - {address: "0000:00:01.0", id: "0001:0002", class: "060400", secondary_bus: "01"}
  - {address: "0000:01:00.0", id: "0001:0002", class: "060400", secondary_bus: "02"}
  - {address: "0001:00:00.0", id: "0001:0003", class: "020000"}
"""
ORDER = [
    "0000:00:01.0",
    "0000:00:03.0",
    "0000:01:00.0",
    "0000:01:01.0",
    "0000:02:00.0",
    "0001:00:00.0",
]


def _tree() -> Kernel:
    text = _TREE.replace('"1:3"', '"0001:0003"')
    return boot_host(parse(text)).kernel


def _events(kernel: Kernel, *actions: str) -> list[str]:
    return [
        one.devpath.rpartition("/")[2]
        for one in kernel.uevents.events
        if one.action in actions and "/devices/pci" in one.devpath
    ]


def test_enumeration_goes_down_behind_the_functions_of_a_bus() -> None:
    """R-RESCAN-1: a bus in the order of devfn, then the buses below."""
    kernel = _tree()

    assert list(kernel.pci.devices) == ORDER
    assert [
        (one.name, one.parent and one.parent.name)
        for one in kernel.pci.devices.values()
    ] == [
        ("0000:00:01.0", None),
        ("0000:00:03.0", None),
        ("0000:01:00.0", "0000:00:01.0"),
        ("0000:01:01.0", "0000:00:01.0"),
        ("0000:02:00.0", "0000:01:00.0"),
        ("0001:00:00.0", None),
    ]
    assert {path: list(found) for path, found in kernel.pci.roots.items()} == {
        "/devices/pci0000:00": ["0000:00:01.0", "0000:00:03.0"],
        "/devices/pci0001:00": ["0001:00:00.0"],
    }


def test_all_new_devices_are_added_before_the_first_is_probed() -> None:
    """R-RESCAN-2."""
    kernel = _tree()
    bridge = kernel.pci.devices["0000:00:01.0"]
    kernel.uevents.events.clear()

    kernel.pci.stop_and_remove(bridge)
    assert list(kernel.pci.devices) == ["0000:00:03.0", "0001:00:00.0"]
    assert list(kernel.pci.roots["/devices/pci0000:00"]) == ["0000:00:03.0"]
    unbound, removed = _events(kernel, "unbind"), _events(kernel, "remove")
    kernel.uevents.events.clear()
    kernel.pci.rescan()

    below = ["0000:01:01.0", "0000:02:00.0"]
    assert unbound == below
    assert removed == [
        "0000:02:00.0",
        "0000:01:00.0",
        "0000:01:01.0",
        "0000:00:01.0",
    ]
    assert _events(kernel, "add", "bind") == [
        "0000:00:01.0",
        "0000:01:00.0",
        "0000:01:01.0",
        "0000:02:00.0",
        *below,
    ]
    assert sorted(kernel.pci.devices) == ORDER
    before = list(kernel.uevents.events)
    kernel.pci.rescan()
    assert before == kernel.uevents.events


def test_one_bus_is_rescanned_with_those_below() -> None:
    """The others are left alone."""
    kernel = _tree()
    for name in ("0000:02:00.0", "0000:01:01.0", "0000:00:03.0"):
        kernel.pci.stop_and_remove(kernel.pci.devices[name])

    kernel.pci.rescan_bus((0, 1), kernel.pci.devices["0000:00:01.0"])

    assert "0000:00:03.0" not in kernel.pci.devices
    for name, above in (("0000:02:00.0", "0000:01:00.0"), ("0000:01:01.0", ORDER[0])):
        found = kernel.pci.devices[name]
        assert found.parent is kernel.pci.devices[above]
        assert found.driver is kernel.pci.drivers["any"]


def test_buses_exist_behind_bridges_and_with_functions() -> None:
    """A bridge that is unplugged has no bus any more."""
    kernel = _tree()
    pci = kernel.pci

    assert [pci.has_bus(0, bus) for bus in range(4)] == [True, True, True, False]
    assert pci.has_bus(1, 0)
    assert not pci.has_bus(1, 1)
    address = PciAddress.parse("0000:00:09.0")
    bridge = PciFunction(address=address, vendor=1, device=2, secondary_bus=9)
    pci.plug(bridge)
    assert pci.has_bus(0, 9)
    assert pci.unplug("0000:00:09.0") == bridge
    assert not pci.has_bus(0, 9)
    with pytest.raises(KeyError):
        pci.unplug("0000:00:09.0")


def test_functions_lost_with_their_bus_do_not_come_back() -> None:
    """Only those below a device that is removed; not the device itself."""
    kernel = _tree()
    pci = kernel.pci
    for name in ("0000:00:01.0", "0000:01:01.0"):
        function = replace(pci.unplug(name), lost_with_bus=True)
        pci.plug(function)

    pci.stop_and_remove(pci.devices["0000:00:01.0"])
    pci.rescan()

    assert sorted(pci.devices) == [one for one in ORDER if one != "0000:01:01.0"]


def test_uevent_of_a_function_has_its_ids() -> None:
    """R-UEV-1: the variables in the order of the kernel."""
    kernel = bench("host_nic")
    nic = device(kernel, NIC)
    kernel.uevents.events.clear()

    kernel.pci.emit("change", nic, ("SYNTH_UUID", "0"))
    kernel.pci.release(nic)
    kernel.pci.emit("change", nic)

    variables = (
        ("PCI_CLASS", "20000"),
        ("PCI_ID", "1AF4:0001"),
        ("PCI_SUBSYS_ID", "0000:0000"),
        ("PCI_SLOT_NAME", NIC),
    )
    subsystem, modalias = ("SUBSYSTEM", "pci"), ("MODALIAS", nic.modalias)
    expected = [
        (subsystem, ("SYNTH_UUID", "0"), ("DRIVER", "host_nic"), *variables, modalias),
        (subsystem, *variables),
        (subsystem, *variables, modalias),
    ]
    events = kernel.uevents.events
    assert [one.variables for one in events] == expected
    assert [one.action for one in events] == ["change", "unbind", "change"]
    assert {one.devpath for one in events} == {nic.devpath}


def test_driver_of_virtual_functions_refuses_others() -> None:
    """With the errno that it has for that."""
    kernel = bench("host_nic")
    driver = kernel.pci.drivers["host_nic"]
    nic = device(kernel, NIC)
    sriov.set_numvfs(kernel.pci, device(kernel, PF), 1)
    virtual = device(kernel, VF)
    for one in (nic, virtual):
        kernel.pci.release(one)
    driver.spec = replace(driver.spec, virtual_only=ENODEV)
    virtual.driver_override = b"host_nic"

    refusal = refusal_of(lambda: kernel.pci.bind(driver, nic))
    kernel.pci.bind(driver, virtual)

    assert refusal == (ENODEV, "R-BIND-4")
    assert virtual.driver is driver


def test_vfio_driver_refuses_bridges_and_functions_with_virtual_ones() -> None:
    """R-VFIO-1: EINVAL, EBUSY; else the function may be suspended since 5.19."""
    kernel = bench("host_nic", "vfio_pci")
    driver = kernel.pci.drivers["vfio-pci"]
    physical = device(kernel, PF)
    host_nic = kernel.pci.drivers["host_nic"]
    host_nic.spec = replace(host_nic.spec, keeps_vfs_parameter="debug")
    kernel.modules.loaded["host_nic"].parameters["debug"] = "1"
    sriov.set_numvfs(kernel.pci, physical, 1)
    kernel.pci.release(physical)
    physical.driver_override = b"vfio-pci"

    assert refusal_of(lambda: kernel.pci.bind(driver, physical)) == (EBUSY, "R-VFIO-1")
    tree = _tree()
    bridge = tree.pci.devices["0000:00:01.0"]
    tree.pci.drivers["any"].spec = replace(tree.pci.drivers["any"].spec, vfio=True)
    bridge.driver_override = b"any"
    refusal = refusal_of(lambda: tree.pci.bind(tree.pci.drivers["any"], bridge))
    assert refusal == (EINVAL, "R-VFIO-1")


@pytest.mark.parametrize(
    ("release", "expected"), [("5.18.0", {}), ("5.19.0", {"control": "auto"})]
)
def test_function_of_a_vfio_driver_may_be_suspended(
    release: str, expected: dict[str, str]
) -> None:
    """R-VFIO-11; its former setting is lost, and the new one at release."""
    kernel = bench("vfio_pci", release=release)
    gpu = device(kernel, GPU)
    gpu.driver_override = b"vfio-pci"
    gpu.power = {"control": "on"}

    kernel.pci.attach_device(gpu)

    assert expected == gpu.power
    kernel.pci.release(gpu)
    assert gpu.power == {}


@pytest.mark.parametrize(("parameter", "kept"), [("0", False), ("1", True)])
def test_driver_disables_sriov_when_it_releases(parameter: str, kept: bool) -> None:
    """R-SRIOV-8: unless its parameter says otherwise."""
    kernel = bench("host_nic")
    driver, physical = kernel.pci.drivers["host_nic"], device(kernel, PF)
    driver.spec = replace(driver.spec, keeps_vfs_parameter="debug")
    kernel.modules.loaded["host_nic"].parameters["debug"] = parameter
    sriov.set_numvfs(kernel.pci, physical, 1)

    kernel.pci.release(physical)

    assert kept is (VF in kernel.pci.devices)


def test_hot_unplug_takes_function_and_device() -> None:
    """Of a virtual function only the device; a name without device is ignored."""
    kernel = bench("host_nic")
    sriov.set_numvfs(kernel.pci, device(kernel, PF), 2)

    kernel.hot_unplug("0000:0f:00.0")
    kernel.hot_unplug(VF)
    kernel.hot_unplug(NIC)
    kernel.pci.rescan()

    assert {VF, NIC}.isdisjoint(kernel.pci.devices)
    assert device(kernel, PF).driver is not None


class _Notices(Observer):
    def __init__(self, kernel: Kernel) -> None:
        self.notices: list[Notice] = []
        kernel.notifier.subscribe(self)

    def changed(self, notice: Notice) -> None:
        self.notices.append(notice)

    def take(self, kind: Kind) -> Sequence[tuple[Change, str]]:
        found = [(one.change, one.path) for one in self.notices if one.kind is kind]
        self.notices.clear()
        return found


def test_notices_of_a_bind_and_its_end() -> None:
    """The links change before probe, after it, and twice at the release."""
    kernel = bench("host_nic")
    nic, driver = device(kernel, NIC), kernel.pci.drivers["host_nic"]
    notices = _Notices(kernel)
    path, changed = nic.devpath, Change.CHANGED

    kernel.pci.release(nic)
    assert notices.take(Kind.DEVICE) == [(changed, path)] * 2
    kernel.pci.bind(driver, nic)
    assert notices.take(Kind.DEVICE) == [(changed, path)] * 2
    kernel.pci.stop_and_remove(nic)
    assert notices.take(Kind.DEVICE) == [
        (changed, path),
        (changed, path),
        (Change.REMOVED, path),
    ]
    kernel.pci.rescan()
    assert notices.take(Kind.DEVICE)[0] == (Change.ADDED, path)
    kernel.modules.load("other_nic")
    other = kernel.pci.drivers["other-nic"]
    assert notices.take(Kind.DRIVER) == [(Change.ADDED, other.devpath)]
    kernel.modules.unload("other_nic")
    assert notices.take(Kind.DRIVER) == [(Change.REMOVED, other.devpath)]
    kernel.vfio.set_owner((10, 196), "vfio/vfio", NodeOwner(0, 0, 0o666))
    assert notices.take(Kind.NODE) == [(changed, "/vfio/vfio")]


def test_notices_of_virtual_functions_name_the_physical_one() -> None:
    """Its links ``virtfn<n>`` come and go."""
    kernel = bench("host_nic")
    physical = device(kernel, PF)
    notices = _Notices(kernel)

    for count in (1, 0):
        sriov.set_numvfs(kernel.pci, physical, count)
        found = notices.take(Kind.DEVICE)
        assert (Change.CHANGED, physical.devpath) in found


def test_bridge_is_removed_with_virtual_functions_below() -> None:
    """Their driver may have left them enabled; they may be on a bus of their own."""
    text = """
kernel: {release: 6.12.0}
modules:
  - name: nic
    path: kernel/nic.ko
    parameters: [{name: keep, default: "1"}, {name: last, type: charp, default: ""}]
    drivers: [{name: nic, sriov: true, ids: [{id: "1af4:0003"}]}]
loaded: [nic]
devices:
  - {address: "0000:00:01.0", id: "0001:0002", class: "060400", secondary_bus: "01"}
  - address: "0000:01:00.0"
    id: "1af4:0003"
    sriov: {total_vfs: 2, offset: 256, vf_device: "0009"}
"""
    kernel = boot_host(parse(text)).kernel
    driver = kernel.pci.drivers["nic"]
    driver.spec = replace(
        driver.spec, keeps_vfs_parameter="keep", notes_probe_in="last"
    )
    sriov.set_numvfs(kernel.pci, kernel.pci.devices["0000:01:00.0"], 2)
    assert "0000:02:00.0" in kernel.pci.devices

    kernel.pci.stop_and_remove(kernel.pci.devices["0000:00:01.0"])

    assert kernel.pci.devices == {}
    assert kernel.modules.loaded["nic"].parameters["last"] == "remove 0000:01:00.0"
