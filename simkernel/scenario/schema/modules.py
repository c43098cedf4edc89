"""Modules with their drivers, parameters and devices."""

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
    """Matches only with ``driver_override``; the alias has the prefix ``vfio_pci:``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverEntry:
    """A driver that a module registers."""

    name: str = text_field(NAME, "a name without slash")
    bus: str = "pci"
    ids: tuple[PciIdEntry, ...] = ()
    match: tuple[str, ...] = ()
    """Id table of a driver on another bus, in the form of that bus."""
    exports_ids: bool = True
    """The id table is a ``MODULE_DEVICE_TABLE``, so the module has its aliases."""
    vfio: bool = False
    """A VFIO driver: registers its devices with VFIO."""
    managed_dma: bool = False
    """Sets ``driver_managed_dma``: VFIO accepts the driver in a group in use."""
    ports: bool = False
    """Binds only PCI Express bridges and enables them, as pcieport does."""
    sriov: bool = False
    """Implements ``sriov_configure``, so ``sriov_numvfs`` is writable."""
    probe_errno: str = text_field(f"(?:{ERRNO})?", "an errno name like EINVAL", "")
    """Every probe fails with this errno. Default: probes succeed."""
    virtual_only: str = text_field(f"(?:{ERRNO})?", "an errno name like EINVAL", "")
    """Probes of physical functions fail with this errno. Default: they succeed."""
    probe_ms: int = 0
    """Duration of every probe in milliseconds."""
    remove_ms: int = 0
    """Duration of every unbind in milliseconds; -1: it never ends."""
    denied: tuple[str, ...] = ()
    """``vendor:device`` of functions on the driver's denylist: probe returns EINVAL."""
    denial_parameter: str = ""
    """Boolean module parameter that disables the denylist."""
    probe_parameter: str = ""
    """Module parameter that holds the return value of every probe."""
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
    """Name on the bus; the kernel inserts a number before the suffix ``.auto``."""
    id: str
    """Id that drivers match: ``foo`` (platform), ``00041011`` (amba), ``1957:dpni``
    (fsl-mc), ``10ee:8084`` (cdx), ``0`` (css), ``0a`` (ap)."""
    iommu: bool = False
    """The device has its own IOMMU group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleEntry:
    """A kernel module. Modules are in link order, as in modules.order."""

    name: str = text_field(MODULE, "letters, digits and _ (never -), at most 55")
    path: str = text_field(
        r"(?!/)(?!.*\.\.)[^\0\n]+\.ko", "a relative path that ends in .ko"
    )
    """File below ``/lib/modules/<release>/``."""
    file: str = text_field(r"(?:/[^/\0]+)*", "an absolute path", "")
    """Module file that the vm tier loads. Other tiers use the keys of this entry."""
    builtin: bool = False
    listed: bool = True
    """False: not listed in ``/lib/modules``, such as code that is always built in, or a
    module from the initramfs."""
    aliases: tuple[str, ...] = ()
    """Aliases of ``MODULE_ALIAS``; the drivers' id tables add theirs."""
    depends: tuple[str, ...] = ()
    softdeps: tuple[str, ...] = ()
    """``pre: a b post: c``."""
    parameters: tuple[ParameterEntry, ...] = ()
    license: str = "GPL"
    description: str = ""
    version: str = ""
    info: dict[str, str] = field(default_factory=dict)
    """Pairs of ``.modinfo`` in this order; replaces ``license``, ``description`` and
    ``version``."""
    drivers: tuple[DriverEntry, ...] = ()
    devices: tuple[OtherDeviceEntry, ...] = ()
    """Devices that the module registers when loaded."""
    init_errno: str = text_field(f"(?:{ERRNO})?", "an errno name like ENODEV", "")
    """The init function fails with this errno. Default: it succeeds."""
    init_ms: int = 0
    """Duration of loading in milliseconds."""
    late_ms: int = 0
    """Time from loading to the registration of its drivers, in milliseconds."""
    vanishes: bool = False
    """Loading succeeds, but the module is not loaded afterwards."""
    hotplug_control: bool = False
    """Creates ``/sys/kernel/<name>/cmd``, which plugs and unplugs functions."""
