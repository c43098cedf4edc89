"""``vfio-dev/``: the directory that VFIO adds to a device."""

from __future__ import annotations

from collections.abc import Callable

from simkernel.filesystems.node import Attribute, Directory, Listing, Node, link
from simkernel.filesystems.sysfs import text
from simkernel.filesystems.sysfs.power import power
from simkernel.model.core.device import Device
from simkernel.model.kernel import Kernel

__all__ = ["vfio_dev"]


def vfio_dev(kernel: Kernel, device: Device) -> Directory:
    """Return ``vfio-dev/`` with its one device.

    Source: drivers/vfio/vfio_main.c vfio_init_device(). Rule: R-VFIO-3.
    """
    name = f"vfio{device.vfio_index}"
    base = f"{device.devpath}/vfio-dev/{name}"

    def uevent() -> bytes:
        variables = kernel.vfio.uevent_variables(device)
        return "".join(f"{key}={value}\n" for key, value in variables).encode()

    def send(data: bytes) -> None:
        action, variables = text.synthetic_uevent(data)
        kernel.vfio.emit(action, device, *variables)

    entries: dict[str, Callable[[], Node]] = {
        "device": lambda: link(f"{base}/device", device.devpath),
        "power": lambda: power(device.power, name, "auto"),
        "subsystem": lambda: link(f"{base}/subsystem", "/class/vfio-dev"),
        "uevent": lambda: Attribute(mode=0o644, show=uevent, store=send),
    }
    if kernel.vfio.has_cdev(device):
        entries["dev"] = lambda: Attribute(
            mode=0o444,
            show=lambda: kernel.vfio.cdev_numbers(device).encode() + b"\n",
        )
    # A listing: the next bind may give the device another number.
    return Directory(
        {},
        Listing(
            lambda: [name],
            lambda child: Directory(entries) if child == name else None,
        ),
    )
