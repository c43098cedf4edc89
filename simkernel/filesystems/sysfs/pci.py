"""The directory of a PCI function below ``/sys/devices``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simkernel.filesystems.node import (
    PAGE_SIZE,
    Attribute,
    Directory,
    Lifetime,
    Listing,
    Node,
    link,
)
from simkernel.filesystems.sysfs import config_space
from simkernel.filesystems.sysfs.pci_attribute import PciAttribute
from simkernel.filesystems.sysfs.pci_attributes import ATTRIBUTES
from simkernel.filesystems.sysfs.power import power
from simkernel.filesystems.sysfs.vfio_dev import vfio_dev
from simkernel.model.kernel import Kernel
from simkernel.model.pci.function import PciDevice

__all__ = ["IOMMU", "device_directory", "root_bus"]

IOMMU = "dmar0"
"""Name of the IOMMU, as the driver for Intel IOMMUs gives it."""


def device_directory(kernel: Kernel, device: PciDevice) -> Directory:
    """Return the directory of a function.

    Source: drivers/pci/pci-sysfs.c; observed on 6.12. Rule: R-PCI-1.
    """
    return Directory(
        {},
        _files(kernel, device),
        _links(kernel, device),
        _directories(kernel, device),
        _children(kernel, device),
        _domains(kernel, device),
    )


def root_bus(kernel: Kernel, below: Mapping[str, PciDevice]) -> Directory:
    """Return the directory of a host bridge with the devices on its root bus."""

    def child(name: str) -> Node | None:
        device = below.get(name)
        return device_directory(kernel, device) if device else None

    return Directory({}, Listing(lambda: below, child, Lifetime.DEVICE))


def _domains(kernel: Kernel, device: PciDevice) -> Listing:
    """List the host bridges of domains that the function's driver created.

    Source: drivers/pci/controller/vmd.c vmd_enable_domain(). Rule: R-PCI-12.
    """

    def child(name: str) -> Node | None:
        below = kernel.pci.domains_of(device).get(name)
        return root_bus(kernel, below) if below else None

    return Listing(lambda: kernel.pci.domains_of(device), child, Lifetime.DEVICE)


def _files(kernel: Kernel, device: PciDevice) -> Listing:
    def names() -> list[str]:
        return [name for name, row in ATTRIBUTES.items() if row.present(kernel, device)]

    def child(name: str) -> Node | None:
        row = ATTRIBUTES.get(name)
        if row is None or not row.present(kernel, device):
            return None
        return _file(kernel, device, row)

    return Listing(names, child, Lifetime.DIRECTORY)


def _file(kernel: Kernel, device: PciDevice, row: PciAttribute) -> Attribute:
    show, store, binary = row.show, row.store, row.binary

    def read() -> bytes:
        if binary is not None:
            return binary(kernel, device)
        text = show(kernel, device) if show is not None else ""
        return f"{text}\n".encode("latin-1") if text else b""

    return Attribute(
        mode=row.mode,
        show=None if show is None and binary is None else read,
        store=None if store is None else lambda data: store(kernel, device, data),
        alive=lambda: not device.dead,
        size=PAGE_SIZE if binary is None else config_space.size_of(device),
    )


def _links(kernel: Kernel, device: PciDevice) -> Listing:
    def targets() -> dict[str, str]:
        found = {"subsystem": "/bus/pci"}
        if device.iommu_group is not None:
            found["iommu"] = f"/devices/virtual/iommu/{IOMMU}"
            found["iommu_group"] = f"/kernel/iommu_groups/{device.iommu_group.number}"
        if device.driver is not None:
            found["driver"] = device.driver.devpath
        if device.physfn is not None:
            found["physfn"] = device.physfn.devpath
        if device.sriov is not None:
            for index, virtual in enumerate(device.sriov.virtual_functions):
                found[f"virtfn{index}"] = virtual.devpath
        return found

    def child(name: str) -> Node | None:
        target = targets().get(name)
        return None if target is None else link(f"{device.devpath}/{name}", target)

    return Listing(targets, child)


def _directories(kernel: Kernel, device: PciDevice) -> Listing:
    def makers() -> dict[str, Callable[[], Node]]:
        found: dict[str, Callable[[], Node]] = {
            "link": Directory,
            "power": lambda: power(
                device.power, "control", "on", lambda: not device.dead
            ),
        }
        if device.vfio_index is not None and kernel.vfio.has_device_class:
            found["vfio-dev"] = lambda: vfio_dev(kernel, device)
        if device.netdev:
            found["net"] = lambda: _net(kernel, device)
        return found

    def child(name: str) -> Node | None:
        make = makers().get(name)
        return None if make is None else make()

    return Listing(makers, child)


def _children(kernel: Kernel, device: PciDevice) -> Listing:
    def child(name: str) -> Node | None:
        below = device.children.get(name)
        return None if below is None else device_directory(kernel, below)

    return Listing(lambda: list(device.children), child, Lifetime.DEVICE)


def _net(kernel: Kernel, device: PciDevice) -> Directory:
    """Return ``net/`` with the function's network interface.

    Source: net/core/net-sysfs.c.
    """
    name = device.netdev
    base = f"{device.devpath}/net/{name}"
    return Directory(
        {
            name: lambda: Directory(
                {
                    "device": lambda: link(f"{base}/device", device.devpath),
                    "operstate": lambda: Attribute(mode=0o444, show=lambda: b"down\n"),
                    "subsystem": lambda: link(f"{base}/subsystem", "/class/net"),
                }
            )
        }
    )
