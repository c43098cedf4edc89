"""What the recorded transcripts cannot show of the driver core."""

from __future__ import annotations

from errno import EAGAIN, EBUSY, EINVAL, EIO, ENODEV

import pytest

from simkernel.errors import KernelRefusal
from simkernel.model.core.device import Driver
from simkernel.model.core.driver_spec import DriverSpec, PciId
from simkernel.model.kernel import Kernel
from tests.bench import GPU, NIC, bench, device, refusal_of


def test_dead_device_is_not_bound() -> None:
    """A device that has left its bus is ENODEV to a driver that still holds it."""
    kernel = bench("host_nic")
    nic = device(kernel, NIC)
    kernel.pci.stop_and_remove(nic)

    with pytest.raises(KernelRefusal) as refusal:
        kernel.pci.bind(kernel.pci.drivers["host_nic"], nic)

    assert (refusal.value.errno, refusal.value.rule) == (ENODEV, "R-BIND-1")


@pytest.mark.parametrize(
    ("release", "expected"), [("5.10.223", ENODEV), ("6.1.176", EINVAL)]
)
def test_failed_probe_reaches_the_writer_since_5_13(
    release: str, expected: int
) -> None:
    """Old kernels turn every failure of bind into ENODEV."""
    kernel = bench("broken", release=release)

    with pytest.raises(KernelRefusal) as refusal:
        kernel.pci.bind(kernel.pci.drivers["broken"], device(kernel, NIC))

    rule = "R-BIND-6" if release.startswith("5.") else "R-BIND-4"
    assert (expected, rule) == (refusal.value.errno, refusal.value.rule)
    assert device(kernel, NIC).driver is None


def test_bind_of_a_bound_device_was_enodev_before_5_13() -> None:
    """5.10 answers ENODEV where later kernels say EBUSY."""
    answers = {}
    for release in ("5.10.223", "6.1.176"):
        kernel = bench("host_nic", "other_nic", release=release)
        with pytest.raises(KernelRefusal) as refusal:
            kernel.pci.bind(kernel.pci.drivers["other-nic"], device(kernel, NIC))
        answers[release] = refusal.value.errno

    assert answers == {"5.10.223": ENODEV, "6.1.176": EBUSY}


def test_second_driver_of_one_name_is_refused() -> None:
    """Driver names are unique on a bus; the first one stays."""
    kernel = bench("host_nic")
    first = kernel.pci.drivers["host_nic"]

    with pytest.raises(KernelRefusal) as refusal:
        kernel.pci.register_driver(Driver(DriverSpec(name="host_nic"), None))

    assert (refusal.value.errno, refusal.value.rule) == (EBUSY, "R-DRV-1")
    assert kernel.pci.drivers["host_nic"] is first


def test_host_driver_is_kept_out_of_a_group_that_a_user_owns() -> None:
    """bind is EBUSY, drivers_probe EINVAL; a VFIO driver may join."""
    kernel = bench("host_nic", "vfio_pci")
    nic, gpu = device(kernel, NIC), device(kernel, GPU)
    kernel.pci.release(nic)
    assert nic.iommu_group is not None
    assert nic.iommu_group is gpu.iommu_group
    nic.iommu_group.user_owned = True

    with pytest.raises(KernelRefusal) as bind:
        kernel.pci.bind(kernel.pci.drivers["host_nic"], nic)
    with pytest.raises(KernelRefusal) as probe:
        kernel.pci.attach_device(nic)
    gpu.driver_override = b"vfio-pci"
    kernel.pci.attach_device(gpu)

    assert (bind.value.errno, bind.value.rule) == (EBUSY, "R-IOMMU-2")
    assert (probe.value.errno, probe.value.rule) == (EINVAL, "R-PROBE-2")
    assert nic.driver is None
    assert gpu.driver is kernel.pci.drivers["vfio-pci"]


@pytest.mark.parametrize(
    ("release", "expected"), [("6.18.15", True), ("7.2.12", False)]
)
def test_new_device_is_probed_under_autoprobe_0_until_7_0(
    release: str, expected: bool
) -> None:
    """drivers_autoprobe did not stop PCI hotplug for a long time."""
    kernel = bench("host_nic", release=release)
    kernel.pci.stop_and_remove(device(kernel, NIC))
    kernel.pci.autoprobe = False

    kernel.pci.rescan()

    assert expected == (device(kernel, NIC).driver is not None)


def test_probe_that_defers_is_eagain() -> None:
    """The kernel's own errno 517 never reaches user space."""
    kernel = bench()
    driver = Driver(DriverSpec(name="late", probe_errno=517), None)
    kernel.pci.register_driver(driver)
    device(kernel, NIC).driver_override = b"late"

    with pytest.raises(KernelRefusal) as refusal:
        kernel.pci.bind(driver, device(kernel, NIC))

    assert (refusal.value.errno, refusal.value.rule) == (EAGAIN, "R-BIND-5")


def test_driver_that_manages_dma_joins_a_group_that_a_user_owns() -> None:
    """``driver_managed_dma`` is what keeps a port's driver beside a user's device."""
    kernel = bench()
    nic = device(kernel, NIC)
    assert nic.iommu_group is not None
    nic.iommu_group.user_owned = True
    driver = Driver(DriverSpec(name="port", managed_dma=True), None)
    kernel.pci.register_driver(driver)
    nic.driver_override = b"port"

    kernel.pci.bind(driver, nic)

    assert nic.driver is driver


def test_release_from_one_driver_leaves_the_device_to_another() -> None:
    """The device may have been bound to another driver while unbind waited."""
    kernel = bench("host_nic", "other_nic")
    nic, host_nic = device(kernel, NIC), kernel.pci.drivers["host_nic"]

    kernel.pci.release(nic, only=kernel.pci.drivers["other-nic"])
    kept = nic.driver
    kernel.pci.release(nic, only=host_nic)

    assert kept is host_nic
    assert nic.driver is None
    assert NIC not in host_nic.devices


def test_bind_refuses_what_does_not_match() -> None:
    """R-BIND-2, R-BIND-3, R-UNBIND-1: no match, bound already, bound elsewhere."""
    kernel = bench("host_nic", "other_nic")
    pci = kernel.pci
    host_nic, other = pci.drivers["host_nic"], pci.drivers["other-nic"]
    nic, gpu = device(kernel, NIC), device(kernel, GPU)

    assert refusal_of(lambda: pci.bind(host_nic, gpu)) == (ENODEV, "R-BIND-2")
    assert refusal_of(lambda: pci.bind(other, nic)) == (EBUSY, "R-BIND-3")
    assert refusal_of(lambda: pci.unbind(other, nic)) == (ENODEV, "R-UNBIND-1")
    assert refusal_of(lambda: pci.unbind(host_nic, gpu)) == (ENODEV, "R-UNBIND-1")
    assert nic.driver is host_nic
    pci.unbind(host_nic, nic)
    assert nic.driver is None
    assert refusal_of(lambda: pci.unbind(host_nic, nic)) == (ENODEV, "R-UNBIND-1")


def _driver(kernel: Kernel, name: str, **settings: int) -> Driver:
    ids = (PciId(vendor=0x1AF4),)
    driver = Driver(DriverSpec(name=name, ids=ids, **settings), None)  # type: ignore[arg-type]
    kernel.pci.register_driver(driver)
    return driver


def _bound(kernel: Kernel) -> dict[str, str]:
    return {
        name: one.driver.name for name, one in kernel.pci.devices.items() if one.driver
    }


def test_drivers_are_tried_in_the_order_of_registration() -> None:
    """R-PROBE-1: a failed probe is the next one's chance; success ends the search."""
    kernel = bench()
    kernel.pci.autoprobe = False
    _driver(kernel, "fails", probe_errno=EIO)
    kernel.pci.register_driver(Driver(DriverSpec(name="matches nothing"), None))
    _driver(kernel, "first")
    _driver(kernel, "second")

    kernel.pci.attach_device(device(kernel, NIC))
    kernel.pci.attach_device(device(kernel, NIC))

    assert _bound(kernel) == {NIC: "first"}


def test_new_driver_is_offered_every_free_device() -> None:
    """R-DRV-2: failures are ignored; bound devices stay; autoprobe 0 offers none."""
    kernel = bench("host_nic")
    before = _bound(kernel)

    _driver(kernel, "fails", probe_errno=EIO)
    assert before == _bound(kernel)
    kernel.pci.autoprobe = False
    _driver(kernel, "offered nothing")
    assert before == _bound(kernel)
    kernel.pci.autoprobe = True
    _driver(kernel, "new")
    assert {**before, GPU: "new"} == _bound(kernel)


def test_user_of_one_group_does_not_stop_the_other_devices() -> None:
    """R-DRV-2: __driver_attach() goes on."""
    kernel = bench()
    nic = device(kernel, NIC)
    assert nic.iommu_group is not None
    nic.iommu_group.user_owned = True

    _driver(kernel, "new")

    assert _bound(kernel) == {"0000:02:00.0": "new"}


def test_driver_releases_its_devices_last_bound_first() -> None:
    """R-DRV-3: and no other driver gets them."""
    kernel = bench()
    driver = _driver(kernel, "first")
    _driver(kernel, "second")
    assert list(driver.devices) == [NIC, GPU, "0000:02:00.0"]
    kernel.uevents.events.clear()

    kernel.pci.unregister_driver(driver)

    events = [
        (one.action, one.devpath.rpartition("/")[2], one.variables[0])
        for one in kernel.uevents.events
    ]
    pci, drivers = ("SUBSYSTEM", "pci"), ("SUBSYSTEM", "drivers")
    assert events == [
        ("unbind", "0000:02:00.0", pci),
        ("unbind", GPU, pci),
        ("unbind", NIC, pci),
        ("remove", "first", drivers),
    ]
    assert _bound(kernel) == {}
    assert list(kernel.pci.drivers) == ["second"]
    kernel.uevents.events.clear()
    third = _driver(kernel, "third")
    last = kernel.uevents.events[-1]
    assert (last.action, last.devpath) == ("add", third.devpath)
    assert last.variables == (drivers,)


def test_device_is_on_its_bus_until_it_is_removed() -> None:
    """It leaves driver and group first, and is dead then."""
    kernel = bench("host_nic")
    nic, driver = device(kernel, NIC), kernel.pci.drivers["host_nic"]
    kernel.uevents.events.clear()

    kernel.pci.remove_device(nic)

    assert [one.action for one in kernel.uevents.events] == ["unbind", "remove"]
    assert (nic.driver, nic.dead, nic.iommu_group) == (None, True, None)
    assert NIC not in driver.devices
    assert NIC not in kernel.pci.devices
    kernel.pci.release(nic)
    assert len(kernel.uevents.events) == 2


def test_failed_probe_leaves_no_trace() -> None:
    """Both links are removed, the lock is free, and no uevent is sent."""
    kernel = bench("broken")
    nic, driver = device(kernel, NIC), kernel.pci.drivers["broken"]
    kernel.uevents.events.clear()

    assert refusal_of(lambda: kernel.pci.bind(driver, nic)) == (EINVAL, "R-BIND-4")

    assert (nic.driver, driver.devices, nic.is_locked) == (None, {}, False)
    assert kernel.uevents.events == []


def test_links_exist_while_probe_and_remove_run() -> None:
    """R-UNBIND-2: probe sees the driver, the remove function does not."""
    kernel = bench()
    nic = device(kernel, NIC)
    seen: list[tuple[bool, bool]] = []
    driver = _driver(kernel, "slow", probe_ms=1, remove_ms=1)
    kernel.clock.run(
        lambda: 0.0,
        lambda seconds: seen.append((nic.driver is driver, nic.is_locked)),
    )

    kernel.pci.release(nic)
    kernel.pci.bind(driver, nic)

    assert seen == [(False, True), (True, True)]
    assert not nic.is_locked


def test_new_bus_probes_by_itself() -> None:
    """``drivers_autoprobe`` is 1 at boot."""
    assert bench().pci.autoprobe is True
    assert bench().pci.name == "pci"
