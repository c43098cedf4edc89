"""Modules, their drivers, parameters, and the devices that they make."""

from __future__ import annotations

from dataclasses import dataclass, field

from simkernel.scenario.schema.patterns import (
    ERRNO,
    ID_OR_ANY,
    MASKED_CLASS,
    MODULE,
    NAME,
    text_field,
)

__all__ = [
    "DriverEntry",
    "ModuleEntry",
    "OtherDeviceEntry",
    "ParameterEntry",
    "PciIdEntry",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PciIdEntry:
    """One entry of a driver's id table."""

    id: str = text_field(ID_OR_ANY, "vendor:device, * for any", "*:*")
    subsystem: str = text_field(ID_OR_ANY, "subsystem vendor:device, * for any", "*:*")
    class_: str = text_field(MASKED_CLASS, "class/mask", "000000/000000")
    data: int = 0
    """``driver_data``."""
    override_only: bool = False
    """Only with ``driver_override``: the alias begins with ``vfio_pci:``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverEntry:
    """A driver that a module registers."""

    name: str = text_field(NAME, "a name without slash")
    bus: str = "pci"
    ids: tuple[PciIdEntry, ...] = ()
    match: tuple[str, ...] = ()
    """Table of a driver on another bus: ids in that bus's own form."""
    exports_ids: bool = True
    """The table is also a ``MODULE_DEVICE_TABLE``: its aliases are in the module."""
    vfio: bool = False
    """Registers what it binds with VFIO."""
    managed_dma: bool = False
    """Tolerates a user's device in the same IOMMU group, as pcieport does."""
    ports: bool = False
    """Takes bridges of PCI Express only, and enables them, as pcieport does."""
    sriov: bool = False
    """Lets ``sriov_numvfs`` be written."""
    probe_errno: str = text_field(f"(?:{ERRNO})?", "an errno name like EINVAL", "")
    """Every probe fails so; empty: probes succeed."""
    virtual_only: str = text_field(f"(?:{ERRNO})?", "an errno name like EINVAL", "")
    """Probes of what is no virtual function fail so; empty: it makes no difference."""
    probe_ms: int = 0
    """Milliseconds that every probe takes."""
    remove_ms: int = 0
    """Milliseconds that letting go of a device takes; -1: it never ends."""
    denied: tuple[str, ...] = ()
    """``vendor:device`` of functions that probe refuses with EINVAL ..."""
    denial_parameter: str = ""
    """... unless this parameter of the module is on."""
    probe_parameter: str = ""
    """Module parameter whose number every probe returns."""
    sriov_enable_parameter: str = ""
    sriov_result_parameter: str = ""
    keeps_vfs_parameter: str = ""
    notes_probe_in: str = ""
    counts_probes_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterEntry:
    """A module parameter."""

    name: str = text_field(r"\w+", "letters, digits and _")
    type: str = text_field("int|uint|bool|charp", "int, uint, bool or charp", "int")
    default: str = "0"
    mode: str = text_field("[0-7]{4}", "four octal digits like 0644", "0644")
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherDeviceEntry:
    """A device on a bus other than PCI."""

    bus: str = text_field("[a-z-]+", "the name of a bus")
    name: str = text_field(NAME, "a name without slash")
    """Name on the bus; one that ends in ``.auto`` gets a number before that."""
    id: str
    """What drivers match: ``foo`` (platform), ``00041011`` (amba), ``1957:dpni``
    (fsl-mc), ``10ee:8084`` (cdx), ``0`` (css), ``0a`` (ap)."""
    iommu: bool = False
    """Has an IOMMU group of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleEntry:
    """A kernel module; they stand in link order, as modules.order has them."""

    name: str = text_field(MODULE, "letters, digits and _ (never -), at most 55")
    path: str = text_field(
        r"(?!/)(?!.*\.\.)[^\0\n]+\.ko", "a relative path that ends in .ko"
    )
    """File below ``/lib/modules/<release>/``."""
    file: str = text_field(r"(?:/[^/\0]+)*", "an absolute path", "")
    """A module that was really built: the vm tier loads this file. The other tiers have
    what is said here."""
    builtin: bool = False
    listed: bool = True
    """False: ``/lib/modules`` does not know it: code that has no choice but to be
    built in, or a module that came from elsewhere, such as the initramfs."""
    aliases: tuple[str, ...] = ()
    """Strings of ``MODULE_ALIAS``; those of the drivers' tables come by themselves."""
    depends: tuple[str, ...] = ()
    softdeps: tuple[str, ...] = ()
    """``pre: a b post: c``."""
    parameters: tuple[ParameterEntry, ...] = ()
    license: str = "GPL"
    description: str = ""
    version: str = ""
    info: dict[str, str] = field(default_factory=dict)
    """Pairs of ``.modinfo`` in their order, where it matters: instead of ``license``,
    ``description`` and ``version``."""
    drivers: tuple[DriverEntry, ...] = ()
    devices: tuple[OtherDeviceEntry, ...] = ()
    """Devices that it makes when loaded."""
    init_errno: str = text_field(f"(?:{ERRNO})?", "an errno name like ENODEV", "")
    """The init function fails so; empty: it succeeds."""
    init_ms: int = 0
    """Milliseconds that loading takes."""
    late_ms: int = 0
    """Milliseconds after loading at which its drivers appear."""
    vanishes: bool = False
    """Loading it reports success, and it is not there."""
    hotplug_control: bool = False
    """Brings ``/sys/kernel/<name>/cmd``, which plugs and unplugs functions."""
