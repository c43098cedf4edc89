"""The library of VFIO drivers for PCI: vfio-pci-core.

Source of the whole: drivers/vfio/pci/vfio_pci_core.c, drivers/vfio/pci/vfio_pci.c.
"""

from __future__ import annotations

from errno import EBUSY, EINVAL

from simkernel.model.core.device import Driver
from simkernel.model.core.features import Features
from simkernel.model.core.probe import ProbeFailure
from simkernel.model.pci.function import PciDevice
from simkernel.model.vfio.core import Vfio

__all__ = ["capture", "check_denylist", "register_device"]


def check_denylist(driver: Driver, device: PciDevice) -> None:
    """Refuse a function on the driver's denylist.

    :raises ProbeFailure: EINVAL.

    Source: drivers/vfio/pci/vfio_pci.c vfio_pci_is_denylisted(). Rule: R-VFIO-9.
    """
    if driver.parameter(driver.spec.denial_parameter):
        return
    ids = device.function.vendor, device.function.device
    if any((one.vendor, one.device) == ids for one in driver.spec.denied):
        raise ProbeFailure(EINVAL, "R-VFIO-9")


def register_device(vfio: Vfio, device: PciDevice, features: Features) -> None:
    """Register a function with VFIO; from then on it may be suspended.

    :raises ProbeFailure: EINVAL, a bridge, or a function without an IOMMU group;
        EBUSY, it has virtual functions.

    Source: drivers/vfio/pci/vfio_pci_core.c vfio_pci_core_register_device(), in this
    order. Rules: R-VFIO-1, R-VFIO-11.
    """
    if device.is_bridge:
        raise ProbeFailure(EINVAL, "R-VFIO-1")
    if device.sriov is not None and device.sriov.virtual_functions:
        raise ProbeFailure(EBUSY, "R-VFIO-1")
    device.power.pop("control", None)
    vfio.register(device)
    if features.vfio_runtime_pm:
        device.power["control"] = "auto"


def capture(driver: Driver, virtual: PciDevice) -> None:
    """Reserve a new virtual function for its PF's VFIO driver.

    The override is the name in ``vfio_device_ops``. Only vfio-pci has SR-IOV, and
    there it is the driver's own name.

    Source: drivers/vfio/pci/vfio_pci_core.c vfio_pci_bus_notifier(). Rule: R-VFIO-5.
    """
    virtual.driver_override = driver.name.encode()
