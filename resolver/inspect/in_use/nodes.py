"""Device nodes that processes have open.

Source: proc(5), ``/proc/PID/fd``; Linux, Documentation/driver-api/vfio.rst.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from resolver.device import Device
from resolver.inspect.in_use.belongings import Belongings, Part
from resolver.inspect.in_use.use import Use
from resolver.inspect.iommu import is_on_vfio
from resolver.linux import Host
from resolver.linux.open_files import DeviceNumber, Process

__all__ = ["has_nodes", "node_users", "number_of_part"]

_NUMBER = re.compile(r"([0-9]+):([0-9]+)")
_REGISTERS = re.compile(r"resource[0-9]+(?:_wc)?")
"""Files through which a process maps the registers of a PCI function.

Source: Linux, drivers/pci/pci-sysfs.c, pci_create_attr().
"""
_NVSWITCH_CONTROL = 255
"""Minor of the node that belongs to no single switch."""


def node_users(host: Host, device: Device, belongings: Belongings) -> Iterator[Use]:
    """Yield the processes that have a node of a device open, or its VFIO group's."""
    for name, number in _nodes(host, device, belongings):
        yield from _users(host, name, number)
    yield from _nvidia_users(host, device)
    yield from _sev_users(host, device)
    for file, users in host.open_files().users_below(device.path).items():
        if _REGISTERS.fullmatch(file.rpartition("/")[2]):
            yield from (_open(user, file) for user in users)


def has_nodes(host: Host, device: Device, belongings: Belongings) -> bool:
    """Return whether processes can have nodes of a device open."""
    return next(_nodes(host, device, belongings), None) is not None


def number_of_part(host: Host, part: Part) -> DeviceNumber | None:
    """Return the number of a part's node; ``None``: it has none."""
    found = _NUMBER.fullmatch((host.attribute(f"{part.path}/dev") or "").strip())
    kind = "b" if part.kind == "block" else "c"
    if found:
        return DeviceNumber(kind, int(found[1]), int(found[2]))
    variables = _variables(host, part)
    major, minor = variables.get("MAJOR", ""), variables.get("MINOR", "")
    if major.isdecimal() and minor.isdecimal():
        return DeviceNumber(kind, int(major), int(minor))
    return None


# Names below /dev, and numbers.
def _nodes(
    host: Host, device: Device, belongings: Belongings
) -> Iterator[tuple[str, DeviceNumber | None]]:
    groups = []
    if device.vfio_device is not None or is_on_vfio(host, device):
        groups.append(device.iommu_group)
    for part in belongings.parts:
        number = number_of_part(host, part)
        name = _variables(host, part).get("DEVNAME")
        if name or number:
            yield name or f"{part.kind}/{part.name}", number
        if part.kind == "mdev":
            groups.append(host.link_name(f"{part.path}/iommu_group"))
    for group in filter(None, groups):
        for name in (group, f"noiommu-{group}"):
            place = f"{host.sys}/class/vfio/{name}"
            yield f"vfio/{name}", number_of_part(host, Part("vfio", name, place))


def _users(host: Host, name: str, number: DeviceNumber | None) -> Iterator[Use]:
    for pid, command in host.openers(name, number):
        yield _open(Process(pid, command), f"/dev/{name}")


def _open(process: Process, path: str) -> Use:
    return Use("node-open", f"{process} has {path} open")


def _variables(host: Host, part: Part) -> dict[str, str]:
    lines = (host.attribute(f"{part.path}/uevent") or "").splitlines()
    return dict(line.partition("=")[::2] for line in lines)


# NVIDIA's modules make their nodes without devices in sysfs. What they tell is the
# minor of a card; of a switch, only that it is theirs.
# Source: NVIDIA open-gpu-kernel-modules, kernel-open/nvidia/nv-procfs.c and
# procfs_nvswitch.c.
def _nvidia_users(host: Host, device: Device) -> Iterator[Use]:
    proc = f"{host.proc}/driver"
    card = host.text(f"{proc}/nvidia/gpus/{device.name}/information")
    for line in card.splitlines():
        key, _, value = line.partition(":")
        minor = value.strip()
        if key.strip() == "Device Minor" and minor.isdecimal():
            major = _major(host, "nvidia", "nvidia-frontend")
            number = None if major is None else DeviceNumber("c", major, int(minor))
            yield from _users(host, f"nvidia{minor}", number)
    if not host.is_there(f"{proc}/nvidia-nvswitch/devices/{device.name}"):
        return
    major = _major(host, "nvidia-nvswitch")
    switches = host.open_files().users_of_major("c", -1 if major is None else major)
    for index, users in switches.items():
        if index != _NVSWITCH_CONTROL:
            yield from (_open(user, f"/dev/nvidia-nvswitch{index}") for user in users)


# Source: Linux, drivers/crypto/ccp/sev-dev.c, sev_misc_init().
def _sev_users(host: Host, device: Device) -> Iterator[Use]:
    if device.binding.driver != "ccp":
        return
    for line in host.text(f"{host.proc}/misc").splitlines():
        minor, _, name = line.strip().partition(" ")
        if name == "sev" and minor.isdecimal():
            yield from _users(host, "sev", DeviceNumber("c", 10, int(minor)))


# Source: proc(5), /proc/devices.
def _major(host: Host, *names: str) -> int | None:
    text = host.text(f"{host.proc}/devices")
    for line in text.partition("Block devices:")[0].splitlines():
        major, _, name = line.strip().partition(" ")
        if name in names and major.isdecimal():
            return int(major)
    return None
