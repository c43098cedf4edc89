"""What the recorded transcripts cannot show of the driver core."""

from __future__ import annotations

from errno import EAGAIN, EBUSY, EINVAL, ENODEV

import pytest

from simkernel.errors import KernelRefusal
from simkernel.model.core.device import Driver
from simkernel.model.core.driver_spec import DriverSpec
from tests.bench import GPU, NIC, bench, device


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

    assert expected == refusal.value.errno
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

    assert refusal.value.errno == EAGAIN


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
