"""Read the PCI functions of a host from sysfs.

Configuration space is not read, because it contains serial numbers. Source: Linux,
Documentation/ABI/testing/sysfs-bus-pci.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from simkernel.recording.host_files import HostReader

__all__ = ["Function", "read_functions"]

_DEVICES = "/sys/bus/pci/devices"
_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A PCI function. Numbers are hex digits without ``0x``."""

    address: str
    vendor: str
    device: str
    subvendor: str
    subdevice: str
    class_: str
    revision: str
    modalias: str
    driver: str
    """Name of its driver; empty: none."""
    override: str | None
    group: int | None
    interfaces: tuple[str, ...]
    vfio_device: str
    """Its name in class ``vfio-dev``; empty: not registered with VFIO."""
    reset_methods: tuple[str, ...]
    is_express: bool
    bus_behind: str
    """Secondary bus of a bridge, two hex digits; empty: none."""
    physical: str
    """Address of its physical function; empty: it is no virtual function."""
    virtual: tuple[str, ...]
    """Addresses of its virtual functions, by index."""
    sriov: dict[str, str] = field(default_factory=dict)
    """Texts of ``sriov_*``; empty: it has no SR-IOV capability."""


def read_functions(host: HostReader) -> list[Function]:
    """Return all functions, in address order."""
    names = [one for one in host.names(_DEVICES) if _ADDRESS.fullmatch(one)]
    parents = {one: host.above(f"{_DEVICES}/{one}") for one in names}
    bridges = {
        parent: name.rsplit(":", 2)[1]
        for name, parent in reversed(parents.items())
        if parent in parents and not host.link_name(f"{_DEVICES}/{name}/physfn")
    }
    return [_read(host, name, bridges.get(name, "")) for name in names]


def _read(host: HostReader, address: str, behind: str) -> Function:
    path = f"{_DEVICES}/{address}"
    override = host.text(f"{path}/driver_override")
    group = host.link_name(f"{path}/iommu_group")
    count = sum(one.startswith("virtfn") for one in host.names(path))
    return Function(
        address=address,
        vendor=_hex(host, f"{path}/vendor", 4),
        device=_hex(host, f"{path}/device", 4),
        subvendor=_hex(host, f"{path}/subsystem_vendor", 4),
        subdevice=_hex(host, f"{path}/subsystem_device", 4),
        class_=_hex(host, f"{path}/class", 6),
        revision=_hex(host, f"{path}/revision", 2),
        modalias=host.text(f"{path}/modalias"),
        driver=host.link_name(f"{path}/driver"),
        override=None if override in ("", "(null)") else override,
        group=int(group) if group.isdecimal() else None,
        interfaces=tuple(host.names(f"{path}/net")),
        vfio_device=next(iter(host.names(f"{path}/vfio-dev")), ""),
        reset_methods=tuple(host.text(f"{path}/reset_method").split()),
        is_express=host.is_there(f"{path}/max_link_speed"),
        bus_behind=behind or _announced_bus(host, path),
        physical=host.link_name(f"{path}/physfn"),
        virtual=tuple(host.link_name(f"{path}/virtfn{n}") for n in range(count)),
        sriov={
            key: text
            for key in ("totalvfs", "offset", "stride", "vf_device")
            if (text := host.text(f"{path}/sriov_{key}"))
        },
    )


def _announced_bus(host: HostReader, path: str) -> str:
    """Return the secondary bus of a bridge without devices."""
    text = host.text(f"{path}/secondary_bus_number")
    return f"{int(text):02x}" if text.isdecimal() and int(text) else ""


def _hex(host: HostReader, path: str, digits: int) -> str:
    text = host.text(path).removeprefix("0x").lower()
    return text.zfill(digits) if re.fullmatch("[0-9a-f]+", text) else "0" * digits
