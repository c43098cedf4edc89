"""What hangs on a PCI function as such."""

from __future__ import annotations

from collections.abc import Iterator

from resolver.device import Device
from resolver.errors import BlockedError
from resolver.inspect.devices import place_of
from resolver.inspect.in_use.use import Use
from resolver.linux import Host

__all__ = ["function_users"]


def function_users(host: Host, device: Device) -> Iterator[Use]:
    """Yield whether virtual functions or the console hang on a function.

    Source: Linux, Documentation/ABI/testing/sysfs-bus-pci, ``sriov_numvfs`` and
    ``boot_vga``.
    """
    path = place_of(host, device)
    try:
        count = host.slow_attribute(f"{path}/sriov_numvfs") or "0"
    except BlockedError as problem:
        count = "0"
        yield Use("vfs-enabled", f"its virtual functions cannot be counted: {problem}")
    if count.isdecimal() and int(count):
        yield Use("vfs-enabled", f"{int(count)} virtual functions of it are enabled")
    if host.attribute(f"{path}/boot_vga") == "1" and device.vfio_device is None:
        yield Use("boot-vga", "it is the graphics card that the host started on")
