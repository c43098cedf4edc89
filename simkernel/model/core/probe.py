"""What a driver does with a device that it is offered, and when it lets go.

The drivers of the model are data; this is the one place that plays them.
"""

from __future__ import annotations

from errno import EINVAL, ENODEV
from typing import TYPE_CHECKING

from simkernel.errors import KernelRefusal
from simkernel.model.core.clock import FOREVER
from simkernel.model.pci import enabling
from simkernel.model.pci.function import PciDevice

if TYPE_CHECKING:
    from simkernel.model.core.device import Device
    from simkernel.model.core.driver import Driver, PciId
    from simkernel.model.kernel import Kernel

__all__ = ["ProbeFailure", "probe", "remove"]


class ProbeFailure(KernelRefusal):
    """The driver's probe function returned an error: another driver may try."""


def probe(kernel: Kernel, driver: Driver, device: Device, entry: PciId) -> None:
    """Play the driver's probe function.

    :raises ProbeFailure: with the errno that probe returns.

    Source: drivers/base/dd.c call_driver_probe(). Rule: R-BIND-4.
    """
    spec = driver.spec
    _note(driver, device, entry)
    kernel.clock.wait(spec.probe_ms)
    result = spec.probe_errno or -driver.parameter(spec.probe_parameter)
    if result > 0:
        raise ProbeFailure(result, "R-BIND-4")
    if spec.virtual_only and not (isinstance(device, PciDevice) and device.physfn):
        raise ProbeFailure(spec.virtual_only, "R-BIND-4")
    if _is_denied(driver, device):
        raise ProbeFailure(EINVAL, "R-VFIO-9")
    if spec.vfio:
        errno = kernel.vfio.probe_errno(device)
        if errno:
            raise ProbeFailure(errno, "R-VFIO-1")
        kernel.vfio.register(device)
    if spec.ports:
        _take_port(device)


def _take_port(device: Device) -> None:
    """Play the probe function of the driver for ports.

    Source: drivers/pci/pcie/portdrv.c pcie_portdrv_probe(). Rule: R-PCI-10.
    """
    if not isinstance(device, PciDevice) or not (
        device.is_bridge and device.function.express
    ):
        raise ProbeFailure(ENODEV, "R-PCI-10")
    enabling.enable(device)


def _is_denied(driver: Driver, device: Device) -> bool:
    """Tell whether a driver has a function on its list of those that it refuses.

    Source: drivers/vfio/pci/vfio_pci.c vfio_pci_is_denylisted(). Rule: R-VFIO-9.
    """
    spec = driver.spec
    if not isinstance(device, PciDevice) or driver.parameter(spec.denial_parameter):
        return False
    return any(
        (one.vendor, one.device) == (device.function.vendor, device.function.device)
        for one in spec.denied
    )


def remove(kernel: Kernel, driver: Driver, device: Device) -> None:
    """Play the driver's remove function.

    A VFIO driver waits until the user process has closed the device.

    Source: drivers/vfio/vfio_main.c vfio_unregister_group_dev(). Rule: R-VFIO-8.
    """
    if driver.module is not None and driver.spec.notes_probe_in:
        noted = driver.module.parameters
        noted[driver.spec.notes_probe_in] = f"remove {device.name}"
    kernel.clock.wait(driver.spec.remove_ms)
    if driver.spec.vfio and device.iommu_group and device.iommu_group.user_owned:
        kernel.clock.wait(FOREVER)
    kernel.driver_gone(driver, device)
    if driver.spec.ports and isinstance(device, PciDevice):
        enabling.disable(device)


def _note(driver: Driver, device: Device, entry: PciId) -> None:
    """Show the call in the module's parameters, for drivers that do so."""
    module, spec = driver.module, driver.spec
    if module is None:
        return
    if spec.counts_probes_in:
        count = module.number(spec.counts_probes_in) + 1
        module.parameters[spec.counts_probes_in] = str(count)
    if spec.notes_probe_in:
        module.parameters[spec.notes_probe_in] = (
            f"probe {device.name} v={entry.vendor:x} d={entry.device:x} "
            f"sv={entry.subvendor:x} sd={entry.subdevice:x} c={entry.class_:x} "
            f"m={entry.class_mask:x} data={entry.driver_data:x}"
        )
