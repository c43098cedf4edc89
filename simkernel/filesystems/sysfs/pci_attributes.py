"""The files of a PCI function's directory.

Source of the whole: drivers/pci/pci-sysfs.c; modes and texts observed on 6.12.
Rules: R-PCI-1, R-PCI-2.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EBUSY, EINVAL, EIO

from simkernel.errors import KernelRefusal
from simkernel.filesystems.sysfs import config_space, text
from simkernel.filesystems.sysfs.bus import number_or_einval
from simkernel.filesystems.sysfs.pci_attribute import PciAttribute
from simkernel.filesystems.sysfs.sriov_attributes import SRIOV_ATTRIBUTES
from simkernel.model.core.kstrtox import c_string, kstrtoint
from simkernel.model.kernel import Kernel
from simkernel.model.pci import enabling, reset, sriov
from simkernel.model.pci.function import PciDevice

__all__ = ["ATTRIBUTES"]


def _is_physical(kernel: Kernel, device: PciDevice) -> bool:
    return device.physfn is None


def _has_reset(kernel: Kernel, device: PciDevice) -> bool:
    return device.can_reset


def _is_bridge(kernel: Kernel, device: PciDevice) -> bool:
    return device.is_bridge


# ---- constants


def _value(show: Callable[[PciDevice], object]) -> PciAttribute:
    return PciAttribute(0o444, lambda kernel, device: str(show(device)))


def _of_express(text: str) -> PciAttribute:
    """Return a file about the link, for PCI Express functions only.

    Source: drivers/pci/pci-sysfs.c pcie_dev_attrs_are_visible(). Rule: R-PCI-8.
    """
    return PciAttribute(
        0o444,
        lambda kernel, device: text,
        present=lambda kernel, device: device.function.express,
    )


_RESOURCE_LINES = 13
"""Lines of ``resource``: six BARs, the ROM, and SR-IOV's six."""


def _resource(device: PciDevice) -> str:
    empty = " ".join(["0x" + "0" * 16] * 3)
    return "\n".join([empty] * _RESOURCE_LINES)


# ---- override and uevent


def _show_override(kernel: Kernel, device: PciDevice) -> str:
    override = device.driver_override
    return "(null)" if override is None else override.decode("latin-1")


def _store_override(kernel: Kernel, device: PciDevice, data: bytes) -> None:
    device.driver_override = text.override(data)


def _show_uevent(kernel: Kernel, device: PciDevice) -> str:
    lines = [f"{key}={value}" for key, value in kernel.pci.uevent(device)]
    if device.driver is not None:
        lines.insert(0, f"DRIVER={device.driver.name}")
    return "\n".join([*lines, f"MODALIAS={device.modalias}"])


def _store_uevent(kernel: Kernel, device: PciDevice, data: bytes) -> None:
    action, variables = text.synthetic_uevent(data)
    kernel.pci.emit(action, device, *variables)


# ---- settings


def _setting(name: str, *, default: int) -> PciAttribute:
    """Return a flag that any number but 0 sets."""

    def store(kernel: Kernel, device: PciDevice, data: bytes) -> None:
        device.settings[name] = int(bool(number_or_einval(data)))

    return PciAttribute(
        0o644, lambda kernel, device: str(device.settings.get(name, default)), store
    )


def _store_enable(kernel: Kernel, device: PciDevice, data: bytes) -> None:
    """Change the enable count, unless a driver is bound.

    Source: drivers/pci/pci-sysfs.c enable_store(). Rule: R-PCI-3.
    """
    wanted = number_or_einval(data)
    if device.driver is not None:
        raise KernelRefusal(EBUSY, "R-PCI-3")
    if wanted:
        enabling.enable(device)
    elif device.enabled:
        enabling.disable(device)
    else:
        raise KernelRefusal(EIO, "R-PCI-3")


def _store_numa_node(kernel: Kernel, device: PciDevice, data: bytes) -> None:
    """Set the NUMA node: -1, or an online node; the model has node 0.

    Source: drivers/pci/pci-sysfs.c numa_node_store(). Rule: R-PCI-4.
    """
    node = kstrtoint(data)
    if node not in (-1, 0):
        raise KernelRefusal(EINVAL, "R-PCI-4")
    device.settings["numa_node"] = node


# ---- reset


def _store_reset(kernel: Kernel, device: PciDevice, data: bytes) -> None:
    """Reset the function; only 1 is valid.

    Source: drivers/pci/pci-sysfs.c reset_store(). Rule: R-PCI-5.
    """
    if number_or_einval(data) != 1:
        raise KernelRefusal(EINVAL, "R-PCI-5")
    reset.reset(device)
    sriov.restore(kernel.pci, device)


def _store_reset_method(kernel: Kernel, device: PciDevice, data: bytes) -> None:
    """Choose the reset methods; an empty line disables reset.

    Source: drivers/pci/pci.c reset_method_store(). Rule: R-PCI-6.
    """
    line = text.device_name(data)
    if line == "default":
        device.reset_methods = reset.find(device)
    else:
        names = c_string(data).decode("latin-1").split(" ")
        reset.choose(device, [one.strip() for one in names if one not in ("", "\n")])


# ---- removal, rescan


def _store_remove(kernel: Kernel, device: PciDevice, data: bytes) -> None:
    """Remove the device.

    Source: drivers/pci/pci-sysfs.c remove_store(). Rule: R-REMOVE-1.
    """
    if number_or_einval(data):
        kernel.pci.stop_and_remove(device)


def _store_rescan(kernel: Kernel, device: PciDevice, data: bytes) -> None:
    """Rescan the bus of the device.

    Source: drivers/pci/pci-sysfs.c dev_rescan_store(). Rule: R-RESCAN-2.
    """
    if number_or_einval(data):
        kernel.pci.rescan_bus(device.function.address[:2], device.parent)


ATTRIBUTES: dict[str, PciAttribute] = {
    "ari_enabled": _value(lambda device: 0),
    "broken_parity_status": _setting("broken_parity_status", default=0),
    "class": _value(lambda device: f"0x{device.function.class_:06x}"),
    "config": PciAttribute(0o644, binary=config_space.render),
    "consistent_dma_mask_bits": _value(lambda device: 32),
    "current_link_speed": _of_express("Unknown"),
    "current_link_width": _of_express("0"),
    "d3cold_allowed": _setting("d3cold_allowed", default=0),
    "device": _value(lambda device: f"0x{device.function.device:04x}"),
    "dma_mask_bits": _value(lambda device: 32),
    "driver_override": PciAttribute(0o644, _show_override, _store_override),
    "enable": PciAttribute(
        0o644,
        lambda kernel, device: str(device.enabled),
        _store_enable,
    ),
    "irq": _value(lambda device: 0),
    "local_cpulist": _value(lambda device: "0-1"),
    "local_cpus": _value(lambda device: 3),
    "max_link_speed": _of_express("Unknown"),
    "max_link_width": _of_express("255"),
    "modalias": _value(lambda device: device.modalias),
    "msi_bus": _setting("msi_bus", default=1),
    "numa_node": PciAttribute(
        0o644,
        lambda kernel, device: str(device.settings.get("numa_node", -1)),
        _store_numa_node,
    ),
    "power_state": PciAttribute(
        0o444,
        lambda kernel, device: "unknown",
        present=lambda kernel, device: kernel.features.power_state,
    ),
    "remove": PciAttribute(0o220, store=_store_remove, present=_is_physical),
    "rescan": PciAttribute(0o200, store=_store_rescan, present=_is_physical),
    "reset": PciAttribute(0o200, store=_store_reset, present=_has_reset),
    "reset_method": PciAttribute(
        0o644,
        lambda kernel, device: " ".join(device.reset_methods),
        _store_reset_method,
        lambda kernel, device: (
            kernel.features.reset_method and _has_reset(kernel, device)
        ),
    ),
    "resource": _value(_resource),
    "revision": _value(lambda device: f"0x{device.function.revision:02x}"),
    "secondary_bus_number": PciAttribute(
        0o444,
        lambda kernel, device: str(device.function.secondary_bus),
        present=_is_bridge,
    ),
    "subordinate_bus_number": PciAttribute(
        0o444,
        lambda kernel, device: str(device.function.secondary_bus),
        present=_is_bridge,
    ),
    "subsystem_device": _value(lambda device: f"0x{device.function.subdevice:04x}"),
    "subsystem_vendor": _value(lambda device: f"0x{device.function.subvendor:04x}"),
    "uevent": PciAttribute(0o644, _show_uevent, _store_uevent),
    "vendor": _value(lambda device: f"0x{device.function.vendor:04x}"),
    **SRIOV_ATTRIBUTES,
}
"""Files by name, in the order in which a directory lists them."""
