"""Shell completion of devices and drivers."""

from __future__ import annotations

from collections.abc import Iterator

from click.shell_completion import CompletionItem

from resolver.device import Device
from resolver.inspect.devices import all_devices
from resolver.linux import Host

__all__ = ["devices", "drivers"]


def devices(host: Host, incomplete: str) -> list[CompletionItem]:
    """Return the spellings that start with the text, with id and driver as help."""
    return [
        CompletionItem(
            spelling, help=f"{device.vendor_device} {device.binding.driver or 'none'}"
        )
        for device in all_devices(host)
        for spelling in _spellings(device, incomplete)
        if spelling.startswith(incomplete.lower())
    ]


def drivers(host: Host, incomplete: str) -> list[CompletionItem]:
    """Return the PCI drivers that start with the text, VFIO drivers first."""
    names = host.names(f"{host.sys}/bus/pci/drivers")
    names.sort(key=lambda name: "vfio" not in name)
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


# libvirt's spelling is offered only if the text starts with it.
def _spellings(device: Device, incomplete: str) -> Iterator[str]:
    yield device.name
    yield from device.interfaces
    if incomplete.startswith("pci"):
        yield f"pci_{device.name.replace(':', '_').replace('.', '_')}"
