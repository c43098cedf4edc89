"""The directory of a device on a bus other than PCI."""

from __future__ import annotations

from collections.abc import Callable

from simkernel.filesystems.node import Attribute, Directory, Listing, Node, link
from simkernel.filesystems.sysfs import text
from simkernel.filesystems.sysfs.power import power
from simkernel.filesystems.sysfs.vfio_dev import vfio_dev
from simkernel.model.kernel import Kernel
from simkernel.model.other_buses import OtherBus, OtherDevice, Override

__all__ = ["other_device_directory"]


def other_device_directory(
    kernel: Kernel, bus: OtherBus, device: OtherDevice
) -> Directory:
    """Return a device's directory.

    Source: drivers/base/core.c device_add(); observed on 6.12. Rule: R-OTHER-3.
    """
    return Directory(
        _files(bus, device), _links(kernel, bus, device), _vfio(kernel, device)
    )


def _files(bus: OtherBus, device: OtherDevice) -> dict[str, Callable[[], Node]]:
    def attribute(
        mode: int,
        show: Callable[[], bytes],
        store: Callable[[bytes], None] | None = None,
    ) -> Callable[[], Node]:
        return lambda: Attribute(
            mode=mode, show=show, store=store, alive=lambda: not device.dead
        )

    files: dict[str, Callable[[], Node]] = {
        "power": lambda: power(
            device.power, "control", "auto", lambda: not device.dead
        ),
        "uevent": attribute(0o644, *_uevent(bus, device)),
    }
    if bus.kind.shows_modalias:
        files["modalias"] = attribute(0o444, lambda: f"{device.modalias}\n".encode())
    if bus.kind.override is not Override.ABSENT:
        files["driver_override"] = attribute(0o644, *_override(device))
    return files


def _uevent(
    bus: OtherBus, device: OtherDevice
) -> tuple[Callable[[], bytes], Callable[[bytes], None]]:
    def show() -> bytes:
        lines = []
        if device.driver is not None:
            lines.append(f"DRIVER={device.driver.name}\n")
        if device.modalias:
            lines.append(f"MODALIAS={device.modalias}\n")
        return "".join(lines).encode()

    def store(data: bytes) -> None:
        action, variables = text.synthetic_uevent(data)
        bus.emit(action, device, *variables)

    return show, store


def _override(
    device: OtherDevice,
) -> tuple[Callable[[], bytes], Callable[[bytes], None]]:
    def show() -> bytes:
        value = device.driver_override
        return b"(null)\n" if value is None else value + b"\n"

    def store(data: bytes) -> None:
        device.driver_override = text.override(data)

    return show, store


def _links(kernel: Kernel, bus: OtherBus, device: OtherDevice) -> Listing:
    def targets() -> dict[str, str]:
        found = {"subsystem": f"/bus/{bus.name}"}
        if device.iommu_group is not None:
            found["iommu_group"] = f"/kernel/iommu_groups/{device.iommu_group.number}"
        if device.driver is not None:
            found["driver"] = device.driver.devpath
        return found

    def child(name: str) -> Node | None:
        target = targets().get(name)
        return None if target is None else link(f"{device.devpath}/{name}", target)

    return Listing(targets, child)


def _vfio(kernel: Kernel, device: OtherDevice) -> Listing:
    def here() -> bool:
        return device.vfio_index is not None and kernel.vfio.has_device_class

    return Listing(
        lambda: ["vfio-dev"] if here() else [],
        lambda name: (
            vfio_dev(kernel, device) if name == "vfio-dev" and here() else None
        ),
    )
