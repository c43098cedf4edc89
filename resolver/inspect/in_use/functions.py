"""Uses of a PCI function as a whole: virtual functions, vGPUs, the console."""

from __future__ import annotations

from collections.abc import Iterator

from resolver.device import Device
from resolver.errors import BlockedError
from resolver.inspect.devices import place_of
from resolver.inspect.in_use.belongings import Belongings
from resolver.inspect.in_use.framebuffers import framebuffers_in
from resolver.inspect.in_use.use import Use
from resolver.inspect.iommu import is_on_vfio
from resolver.linux import Host

__all__ = ["console_users", "function_users"]


def function_users(host: Host, device: Device, belongings: Belongings) -> Iterator[Use]:
    """Yield what the driver of a function provides to others.

    Source: Linux, Documentation/ABI/testing/sysfs-bus-pci, ``sriov_numvfs``;
    Documentation/driver-api/vfio-mediated-device.rst; NVIDIA vGPU documentation,
    ``nvidia/current_vgpu_type``.
    """
    path = place_of(host, device)
    yield from _virtual_functions(host, path)
    mediated = belongings.of("mdev")
    if mediated:
        names = ", ".join(part.name for part in mediated)
        yield Use("mdevs-created", f"mediated devices of it exist: {names}")
    kind = host.attribute(f"{path}/nvidia/current_vgpu_type")
    if kind not in (None, "0"):
        yield Use("vgpu-assigned", f"vGPU type {kind} is set for it")


def console_users(host: Host, device: Device) -> Iterator[Use]:
    """Yield whether the host's console is on a function, with or without a driver.

    Source: Linux, Documentation/ABI/testing/sysfs-bus-pci, ``boot_vga``.
    """
    if is_on_vfio(host, device):
        return
    path = place_of(host, device)
    for name in framebuffers_in(host, device.name):
        yield Use(
            "boot-vga", f"the framebuffer of the console, {name}, is in its memory"
        )
    if host.attribute(f"{path}/boot_vga") == "1":
        yield Use("boot-vga", "it is the graphics card that the host started on")


def _virtual_functions(host: Host, path: str) -> Iterator[Use]:
    try:
        count = host.slow_attribute(f"{path}/sriov_numvfs") or "0"
    except BlockedError as problem:
        count = "0"
        yield Use("vfs-enabled", f"its virtual functions cannot be counted: {problem}")
    if count.isdecimal() and int(count):
        yield Use("vfs-enabled", f"{int(count)} virtual functions of it are enabled")
