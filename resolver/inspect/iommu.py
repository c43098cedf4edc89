"""IOMMU groups, and how to get a device into one. Only reads."""

from __future__ import annotations

from resolver.device import Device
from resolver.errors import NotFoundError
from resolver.inspect.devices import place_of, read_device
from resolver.linux import Host
from resolver.matching.iommu_setup import Machine, cpu_vendor, is_virtual, setup_steps

__all__ = [
    "advice",
    "groups_are_split",
    "hindering",
    "is_on_vfio",
    "mates_of",
    "reserved_memory",
    "slot_mates",
]

_HARMLESS = frozenset({"fsl_mc_dprc", "pci-stub", "pcieport"})
"""Drivers that leave a group usable: they do no DMA, or manage it themselves.

Source: Linux, ``driver_managed_dma`` in drivers/pci/pci-stub.c,
drivers/pci/pcie/portdrv.c and drivers/bus/fsl-mc/dprc-driver.c.
"""
_BRIDGES_COUNT_SINCE = (5, 19)
"""Before, VFIO accepted any driver of a bridge.

Source: Linux 5.18, drivers/vfio/vfio.c, vfio_dev_driver_allowed(); Linux 5.19,
drivers/iommu/iommu.c, iommu_device_use_default_domain().
"""


def mates_of(host: Host, device: Device) -> tuple[Device, ...]:
    """Return the other devices of a device's group, sorted by name.

    ``/sys/kernel/iommu_groups`` lists them. Where that is missing or incomplete, as in
    some captured hosts, the links of the devices themselves tell.
    """
    group = device.iommu_group
    if group is None:
        return ()
    members = f"{host.sys}/kernel/iommu_groups/{group}/devices"
    names = host.names(members)
    listed = [(host.link_name(f"{members}/{one}/subsystem"), one) for one in names]
    if device.name not in names:
        listed += _linked_to(host, group)
    found = []
    for bus, name in dict.fromkeys(listed):
        if bus is None or (bus, name) == (device.bus, device.name):
            continue
        try:
            found.append(read_device(host, bus, name))
        except NotFoundError:
            continue  # The device went away after the directory was listed.
    return tuple(found)


def _linked_to(host: Host, group: str) -> list[tuple[str | None, str]]:
    return [
        (bus, name)
        for bus in host.names(f"{host.sys}/bus")
        for name in host.names(f"{host.sys}/bus/{bus}/devices")
        if host.link_name(f"{host.sys}/bus/{bus}/devices/{name}/iommu_group") == group
    ]


def hindering(host: Host, device: Device) -> tuple[Device, ...]:
    """Return the other devices of the group that are bound to host drivers."""
    bridges_count = host.is_at_least(*_BRIDGES_COUNT_SINCE)
    return tuple(
        mate
        for mate in mates_of(host, device)
        if mate.binding.driver not in (None, *_HARMLESS)
        and (bridges_count or not mate.is_bridge)
        and not is_on_vfio(host, mate)
    )


def reserved_memory(host: Host, device: Device) -> str | None:
    """Return the memory that the firmware keeps mapped for a group, if any.

    VFIO cannot open such a group: the kernel keeps the mapping.

    :return: ``0x00000000a0000000-0x00000000a0ffffff``.

    Source: Linux, Documentation/ABI/testing/sysfs-kernel-iommu_groups;
    drivers/iommu/iommu.c, __iommu_device_set_domain(), ``require_direct``;
    drivers/iommu/intel/iommu.c, device_rmrr_is_relaxable().
    """
    path = f"{host.sys}/kernel/iommu_groups/{device.iommu_group}/reserved_regions"
    for line in (host.attribute(path) or "").splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == "direct":
            return f"{words[0]}-{words[1]}"
    return None


def groups_are_split(host: Host) -> str | None:
    """Return the kernel parameter that splits IOMMU groups against the hardware.

    Source: the patch "pci: Enable overrides for missing ACS capabilities", which some
    distributions carry; Linux, kernel-parameters.txt, ``config_acs``.
    """
    for word in host.text(f"{host.proc}/cmdline").split():
        if word.startswith(("pcie_acs_override=", "pci=config_acs=")):
            return word
    return None


def slot_mates(host: Host, device: Device) -> tuple[str, ...]:
    """Return the other functions of a PCI slot that stay on host drivers.

    :return: ``0000:03:00.1 on snd_hda_intel``. Virtual functions do not count: they
        are made to be given away one by one.
    """
    if device.bus != "pci" or host.is_there(f"{place_of(host, device)}/physfn"):
        return ()
    slot = device.name.rpartition(".")[0]
    found = []
    for number in range(8):
        name = f"{slot}.{number}"
        place = f"{host.sys}/bus/pci/devices/{name}"
        driver = host.link_name(f"{place}/driver")
        is_virtual = host.is_there(f"{place}/physfn")
        if name != device.name and driver and "vfio" not in driver and not is_virtual:
            found.append(f"{name} on {driver}")
    return tuple(found)


def is_on_vfio(host: Host, device: Device) -> bool:
    """Return whether a device is bound to a VFIO driver.

    Kernels before 6.1 do not show it; there "vfio" in the driver's name decides.
    """
    if device.vfio_device is not None:
        return True
    if host.is_there(f"{host.sys}/class/vfio-dev"):
        return False
    return "vfio" in (device.binding.driver or "")


def advice(host: Host) -> str:
    """Return how to get a device into an IOMMU group."""
    if host.names(f"{host.sys}/kernel/iommu_groups"):
        return "use another device: the IOMMU is on, but does not isolate this one"
    steps = setup_steps(_machine(host))
    if not steps:
        return "run `resolver doctor` for details: the kernel found no IOMMU"
    return "; ".join(steps)


def _machine(host: Host) -> Machine:
    cpu = host.read_if_there(f"{host.proc}/cpuinfo") or b""
    words = host.read_if_there(f"{host.proc}/cmdline") or b""
    return Machine(
        cpu=cpu_vendor(cpu),
        is_guest=is_virtual(cpu),
        command_line=tuple(words.decode("utf-8", "replace").split()),
        firmware_tables=frozenset(host.names(f"{host.sys}/firmware/acpi/tables")),
    )
