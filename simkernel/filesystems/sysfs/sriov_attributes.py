"""The SR-IOV files of physical and virtual functions.

Source of the whole: drivers/pci/iov.c; observed on 6.12. Rules: R-PCI-1, R-SRIOV-1.
"""

from __future__ import annotations

from simkernel.filesystems.sysfs.bus import number_or_einval
from simkernel.filesystems.sysfs.pci_attribute import PciAttribute
from simkernel.model.core.kstrtox import kstrtobool, kstrtouint
from simkernel.model.kernel import Kernel
from simkernel.model.pci import sriov
from simkernel.model.pci.function import PciDevice

__all__ = ["SRIOV_ATTRIBUTES"]


def _has_sriov(kernel: Kernel, device: PciDevice) -> bool:
    return device.sriov is not None


def _capability(name: str, form: str = "{}") -> PciAttribute:
    return PciAttribute(
        0o444,
        lambda kernel, device: form.format(getattr(device.function.sriov, name)),
        present=_has_sriov,
    )


def _last_read(name: str) -> PciAttribute:
    return PciAttribute(
        0o444,
        lambda kernel, device: str(getattr(device.sriov, name)),
        present=_has_sriov,
    )


def _show_numvfs(kernel: Kernel, device: PciDevice) -> str:
    return str(len(device.sriov.virtual_functions) if device.sriov else 0)


def _store_numvfs(kernel: Kernel, device: PciDevice, data: bytes) -> None:
    if kernel.features.flattens_overflow:
        count = number_or_einval(data, bits=16)
    else:
        count = kstrtouint(data, bits=16)
    sriov.set_numvfs(kernel.pci, device, count)


def _show_vf_autoprobe(kernel: Kernel, device: PciDevice) -> str:
    return str(int(device.sriov.drivers_autoprobe)) if device.sriov else ""


def _store_vf_autoprobe(kernel: Kernel, device: PciDevice, data: bytes) -> None:
    if device.sriov is not None:
        takes_true = kernel.features.bool_takes_true
        device.sriov.drivers_autoprobe = kstrtobool(data, takes_true=takes_true)


SRIOV_ATTRIBUTES: dict[str, PciAttribute] = {
    "sriov_drivers_autoprobe": PciAttribute(
        0o644, _show_vf_autoprobe, _store_vf_autoprobe, _has_sriov
    ),
    "sriov_numvfs": PciAttribute(0o644, _show_numvfs, _store_numvfs, _has_sriov),
    "sriov_offset": _last_read("offset"),
    "sriov_stride": _last_read("stride"),
    "sriov_totalvfs": _capability("total_vfs"),
    "sriov_vf_device": _capability("vf_device", "{:x}"),
    "sriov_vf_msix_count": PciAttribute(
        0o200,
        store=lambda kernel, device, data: None,
        present=lambda kernel, device: (
            kernel.features.vf_msix and device.physfn is not None
        ),
    ),
    "sriov_vf_total_msix": PciAttribute(
        0o444,
        lambda kernel, device: "0",
        present=lambda kernel, device: (
            kernel.features.vf_msix and _has_sriov(kernel, device)
        ),
    ),
}
"""Files by name."""
