"""Checks before the first change of a device. Only reads.

``--force`` skips the checks for use and for the IOMMU group. The others protect from
changes that cannot work.
"""

from __future__ import annotations

import errno

from resolver.device import Device
from resolver.errors import FailedError, RefusedError
from resolver.inspect import in_use, iommu, modules
from resolver.inspect.devices import device_directory, place_of
from resolver.inspect.module_loading import parameter_of
from resolver.inspect.module_policy import Prohibition
from resolver.linux import Host
from resolver.matching.alias_index import Aliases
from resolver.matching.denylist import DENIED
from resolver.matching.select import Choice
from resolver.options import Options

__all__ = [
    "refusal_of",
    "require_aliases",
    "require_group",
    "require_idle",
    "require_iommu",
    "require_not_denied",
    "require_permitted",
    "require_unused",
    "require_writable",
]


def require_iommu(host: Host, device: Device) -> None:
    """Refuse a device that the IOMMU does not isolate, even with ``--force``.

    :raises RefusedError: it is in no IOMMU group, and VFIO requires one.

    Source: Linux, drivers/vfio/group.c, vfio_group_find_or_alloc().
    """
    if device.iommu_group is not None:
        return
    if parameter_of(host, "vfio", "enable_unsafe_noiommu_mode") == "Y":
        return
    raise RefusedError(
        "device is in no IOMMU group, so VFIO cannot isolate it",
        rule="no-iommu-group",
        hint=iommu.advice(host),
    )


def require_group(host: Host, device: Device, options: Options) -> None:
    """Refuse a device whose IOMMU group VFIO cannot use.

    :raises RefusedError: another member is bound to a host driver.

    Source: Linux, drivers/iommu/iommu.c, iommu_group_claim_dma_owner().
    """
    if options.is_forced:
        return
    reserved = iommu.reserved_memory(host, device)
    if reserved:
        raise RefusedError(
            f"the firmware reserves memory for IOMMU group {device.iommu_group} "
            f"({reserved}), so VFIO cannot open the group",
            rule="reserved-memory",
            hint="look for a firmware setting that ends the reservation (RMRR, IVMD)",
        )
    hindering = [
        mate
        for mate in iommu.hindering(host, device)
        if mate.name not in options.together
    ]
    if hindering:
        names = ", ".join(f"{mate} on {mate.binding.driver}" for mate in hindering)
        raise RefusedError(
            f"VFIO cannot use IOMMU group {device.iommu_group}: other members are on "
            f"host drivers: {names}",
            rule="group-shared",
            hint="pass --group to bind every member, or --force to bind only this one",
        )


def require_unused(host: Host, device: Device, options: Options) -> None:
    """Refuse to unbind a device that is in use.

    :raises RefusedError: it is in use; the message has the users.
    """
    if options.is_forced:
        return
    uses = tuple(in_use.uses_of(host, device))
    if uses:
        raise RefusedError(
            f"device is in use: {'; '.join(use.text for use in uses)}",
            rule=uses[0].rule,
            hint="stop using the device, or pass --force",
        )


def require_permitted(module: str, prohibited: Prohibition | None) -> None:
    """Refuse to load a module that modprobe.d prohibits, even with ``--force``.

    :raises RefusedError: a blacklist or install line prohibits it.
    """
    if prohibited is not None and prohibited.is_certain:
        raise refusal_of(module, prohibited)


def refusal_of(module: str, prohibited: Prohibition) -> RefusedError:
    """Return the refusal to load a prohibited module."""
    hint = _how_to_load(module, prohibited)
    if module != "vfio_pci":
        hint += "; to bind to the generic driver, pass --driver vfio-pci"
    failure = f"loading module {module} is prohibited by {prohibited.where}"
    if not prohibited.is_certain:
        failure = (
            f"module {module} is not loaded: modprobe ran a program instead, "
            f"{prohibited.where}"
        )
    return RefusedError(
        f"{failure}: {prohibited.text}",
        rule="module-prohibited",
        hint=hint,
    )


# modprobe -i ignores the install line of the module itself only.
def _how_to_load(module: str, prohibited: Prohibition) -> str:
    if prohibited.text.startswith("module_blacklist="):
        return f"remove {prohibited.module} from module_blacklist=, and reboot"
    if prohibited.keyword == "modprobe":
        return f"run `modprobe --showconfig | grep {module}`"
    if prohibited.module != module or prohibited.keyword == "alias":
        return "remove that line"
    option = " -i" if prohibited.keyword == "install" else ""
    return f"remove that line, or run `modprobe{option} {module}`"


def require_aliases(aliases: Aliases, device: Device, choice: Choice) -> None:
    """Refuse to bind to the generic driver for lack of alias files.

    A guest without its variant driver cannot be migrated, and nothing shows it.
    ``--driver`` names the generic driver.

    :raises RefusedError: variant drivers of the kernel are not known.
    """
    if aliases.is_complete or choice.source != "generic" or device.bus != "pci":
        return
    raise RefusedError(
        f"cannot tell whether a variant driver fits: {aliases.notes[0]}",
        rule="no-aliases",
        hint=f"pass --driver {choice.name} to bind to the generic driver",
    )


def require_not_denied(host: Host, device: Device, driver: str) -> None:
    """Refuse a device on the denylist of vfio-pci, even with ``--force``.

    Kernels before 5.9 have no denylist, and no parameter for it.

    :param driver: driver or module.
    :raises RefusedError: vfio-pci denies the device.

    Source: Linux, drivers/vfio/pci/vfio_pci.c, vfio_pci_is_denylisted().
    """
    module = driver.replace("-", "_")
    if module != "vfio_pci" or device.vendor_device not in DENIED:
        return
    if modules.is_loaded(host, module):
        denies = parameter_of(host, module, "disable_denylist") == "N"
    else:
        configured = parameter_of(host, module, "disable_denylist")
        denies = configured != "Y" and host.is_at_least(5, 9)
    if denies:
        raise RefusedError(
            f"{device.vendor_device} is on the denylist of vfio-pci: the device is not "
            "safe in a guest",
            rule="vfio-pci-denylist",
            hint="if you trust the guest, add 'options vfio-pci disable_denylist=1' to "
            "/etc/modprobe.d, and reload vfio-pci",
        )


def require_idle(device: Device) -> None:
    """Refuse a device while an unbind or a probe of it runs.

    :raises FailedError: it has not finished.
    """
    if device.is_busy:
        raise FailedError(
            "device is busy: an unbind or a probe has not finished",
            hint="try again later; run `resolver status` to see the process",
        )


def require_writable(host: Host, device: Device) -> None:
    """Refuse a device that this process cannot change.

    :raises RefusedError: the host is a captured one.
    :raises FailedError: the bus has no ``driver_override``, or it is not writable.
    """
    host.require_live()
    if host.is_writable(f"{place_of(host, device)}/driver_override"):
        return
    path = f"{host.sys}/{device_directory(device.bus, device.name)}/driver_override"
    if not host.is_there(path):
        raise FailedError(
            f"cannot bind devices of bus {device.bus!r}: it has no driver_override"
        )
    remount = f"run `mount -o remount,rw {host.sys}`"
    raise FailedError(
        f"{path} is not writable",
        hint=remount if host.is_root() else "run as root",
        errno=errno.EACCES,
    )
