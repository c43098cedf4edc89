"""What a scenario may say: every key, its type and its meaning.

Values as the author writes them; :mod:`simkernel.scenario.build` gives them to the
kernel model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Device",
    "Driver",
    "Expected",
    "Fault",
    "KernelImage",
    "Module",
    "OtherDevice",
    "Parameter",
    "PciIdEntry",
    "Scenario",
    "Sriov",
    "VirtualFunction",
]

ADDRESS = r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]"
IDS = r"[0-9a-f]{4}:[0-9a-f]{4}"
ID_OR_ANY = r"(?:[0-9a-f]{4}|\*):(?:[0-9a-f]{4}|\*)"
CLASS = r"[0-9a-f]{6}"
MASKED_CLASS = r"[0-9a-f]{6}(?:/[0-9a-f]{6})?"
NAME = r"[^/\0\n]{1,255}"
MODULE = r"[A-Za-z0-9_]{1,55}"
PATH = r"(?:/(?!\.\.?(?:/|$))[^/\0]+)+"
ERRNO = r"E[A-Z0-9_]+"
NETDEV = r"[^/\s:{}]{0,15}"
VF_NETDEV = r"(?:[^/\s:{}]|\{index\})*"
OVERRIDE = r"[^\0\n]{1,4094}"


def _text(pattern: str, meaning: str, default: str | None = None) -> Any:
    """Declare a text of a given form; no default: it must be given."""
    metadata = {"pattern": pattern, "meaning": meaning}
    if default is None:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


def _override() -> Any:
    """Declare what ``driver_override`` holds at the start."""
    return field(
        default=None, metadata={"pattern": OVERRIDE, "meaning": "one line of text"}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PciIdEntry:
    """One entry of a driver's id table."""

    id: str = _text(ID_OR_ANY, "vendor:device, * for any", "*:*")
    subsystem: str = _text(ID_OR_ANY, "subsystem vendor:device, * for any", "*:*")
    class_: str = _text(MASKED_CLASS, "class/mask", "000000/000000")
    data: int = 0
    """``driver_data``."""
    override_only: bool = False
    """Only with ``driver_override``: the alias begins with ``vfio_pci:``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A driver that a module registers."""

    name: str = _text(NAME, "a name without slash")
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
    probe_errno: str = _text(f"(?:{ERRNO})?", "an errno name like EINVAL", "")
    """Every probe fails so; empty: probes succeed."""
    virtual_only: str = _text(f"(?:{ERRNO})?", "an errno name like EINVAL", "")
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
class Parameter:
    """A module parameter."""

    name: str = _text(r"\w+", "letters, digits and _")
    type: str = _text("int|uint|bool|charp", "int, uint, bool or charp", "int")
    default: str = "0"
    mode: str = _text("[0-7]{4}", "four octal digits like 0644", "0644")
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherDevice:
    """A device on a bus other than PCI."""

    bus: str = _text("[a-z-]+", "the name of a bus")
    name: str = _text(NAME, "a name without slash")
    """Name on the bus; one that ends in ``.auto`` gets a number before that."""
    id: str
    """What drivers match: ``foo`` (platform), ``00041011`` (amba), ``1957:dpni``
    (fsl-mc), ``10ee:8084`` (cdx), ``0`` (css), ``0a`` (ap)."""
    iommu: bool = False
    """Has an IOMMU group of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A kernel module; they stand in link order, as modules.order has them."""

    name: str = _text(MODULE, "letters, digits and _ (never -), at most 55")
    path: str = _text(
        r"(?!/)(?!.*\.\.)[^\0\n]+\.ko", "a relative path that ends in .ko"
    )
    """File below ``/lib/modules/<release>/``."""
    builtin: bool = False
    listed: bool = True
    """False: ``/lib/modules`` does not know it: code that has no choice but to be
    built in, or a module that came from elsewhere, such as the initramfs."""
    aliases: tuple[str, ...] = ()
    """Strings of ``MODULE_ALIAS``; those of the drivers' tables come by themselves."""
    depends: tuple[str, ...] = ()
    softdeps: tuple[str, ...] = ()
    """``pre: a b post: c``."""
    parameters: tuple[Parameter, ...] = ()
    license: str = "GPL"
    description: str = ""
    version: str = ""
    info: dict[str, str] = field(default_factory=dict)
    """Pairs of ``.modinfo`` in their order, where it matters: instead of ``license``,
    ``description`` and ``version``."""
    drivers: tuple[Driver, ...] = ()
    devices: tuple[OtherDevice, ...] = ()
    """Devices that it makes when loaded."""
    init_errno: str = _text(f"(?:{ERRNO})?", "an errno name like ENODEV", "")
    """The init function fails so; empty: it succeeds."""
    init_ms: int = 0
    """Milliseconds that loading takes."""
    late_ms: int = 0
    """Milliseconds after loading at which its drivers appear."""
    vanishes: bool = False
    """Loading it reports success, and it is not there."""
    hotplug_control: bool = False
    """Brings ``/sys/kernel/<name>/cmd``, which plugs and unplugs functions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualFunction:
    """What is special about one virtual function at the start."""

    index: int
    driver: str | None = None
    """None: what the kernel chose by itself; ``none``: no driver."""
    driver_override: str | None = _override()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sriov:
    """SR-IOV of a physical function."""

    total_vfs: int
    vf_device: str = _text("[0-9a-f]{4}", "four hex digits")
    offset: int = 1
    stride: int = 1
    vf_subdevice: str = _text("(?:[0-9a-f]{4})?", "four hex digits", "")
    vf_netdev: str = _text(VF_NETDEV, "an interface name; no brace but {index}", "")
    """Name of a virtual function's interface; ``{index}`` is its number."""
    enabled: int = 0
    """Virtual functions at the start."""
    vf_driver: str | None = None
    """Driver of all of them at the start; None: what the kernel chose."""
    vfs: tuple[VirtualFunction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A PCI function."""

    address: str = _text(ADDRESS, "like 0000:3b:00.0, lower case")
    id: str = _text(IDS, "vendor:device, like 15b3:101d")
    subsystem: str = _text(IDS, "vendor:device", "0000:0000")
    class_: str = _text(CLASS, "six hex digits, like 020000", "000000")
    revision: str = _text("[0-9a-f]{2}", "two hex digits", "00")
    iommu_group: int | None = None
    """Functions with the same number share a group; None: a group of its own."""
    secondary_bus: str = _text("(?:[0-9a-f]{2})?", "two hex digits", "")
    """Bus behind a bridge."""
    reset_methods: tuple[str, ...] = ()
    express: bool = True
    """False: a conventional PCI function, not a PCI Express one."""
    netdev: str = _text(NETDEV, "an interface name, at most 15 characters", "")
    """Its network interface while a network driver holds it."""
    driver: str | None = None
    """Driver at the start; None: what the kernel chose; ``none``: no driver."""
    driver_override: str | None = _override()
    sriov: Sriov | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelImage:
    """The kernel."""

    release: str = _text(r"\d+\.\d+[!-.0-~]*", "a release like 6.12.117-amd64")
    """What ``uname -r`` prints."""
    iommu: bool = True
    """An IOMMU is there and on."""
    vfio_cdev: bool = False
    """``CONFIG_VFIO_DEVICE_CDEV``."""
    buses: tuple[str, ...] = ("platform",)
    """Buses beside PCI."""
    cmdline: str = "BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro"
    lockdown: str = _text(
        "(?:integrity|confidentiality)?", "integrity or confidentiality", ""
    )
    """Locked down so far: only the kernel's own modules, below ``kernel/``, are signed,
    and no others get loaded."""
    compressed_modules: bool = False
    """Its own modules are installed as ``.ko.xz``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failure at a write to sysfs."""

    at_write: int
    """Number of the write; the first is 1."""
    errno: str = _text(f"(?:{ERRNO})?", "an errno name like EIO", "")
    """The write is refused so."""
    remove: str = _text(f"(?:{ADDRESS})?", "a PCI address", "")
    """This function vanishes just before the write."""
    path: str = _text(r"(?:/sys/[^\0]+)?", "a path below /sys", "")
    """Another process writes to this file just before the write ..."""
    data: str = ""
    """... this text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What binding should come to, for whoever tests a tool on the scenario."""

    device: str = _text(ADDRESS, "like 0000:3b:00.2")
    """The device to bind."""
    driver: str | None = None
    """Its driver afterwards; None: none."""
    succeeds: bool = True
    modules_loaded: tuple[str, ...] = ()
    """These are loaded afterwards ..."""
    modules_not_loaded: tuple[str, ...] = ()
    """... and these are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A host."""

    kernel: KernelImage
    modules: tuple[Module, ...] = ()
    loaded: tuple[str, ...] = ()
    """Modules loaded at the start, in this order; what they need comes with them."""
    devices: tuple[Device, ...] = ()
    other_devices: tuple[OtherDevice, ...] = ()
    modprobe_d: dict[str, str] = field(default_factory=dict)
    """Files below ``/etc/modprobe.d``: name to text."""
    files: dict[str, str] = field(
        default_factory=dict,
        metadata={
            "keys": PATH,
            "keys_meaning": "an absolute path without . and ..",
        },
    )
    """Files by absolute path. Below ``/sys`` and ``/proc``: what the kernel model does
    not show by itself; a read gives the text, and nothing can be written."""
    links: dict[str, str] = field(
        default_factory=dict,
        metadata={
            "keys": r"/(?:sys|proc|dev)" + PATH,
            "keys_meaning": "a path below /sys, /proc or /dev",
        },
    )
    """Symbolic links by absolute path, likewise: what ``readlink`` gives."""
    udev: bool = False
    """A udev runs that loads modules for new devices; its host's start is in the
    recorded uevents."""
    environment: dict[str, str] = field(default_factory=dict)
    """Environment variables for what runs on the host."""
    missing: tuple[str, ...] = ()
    """Files of ``/lib/modules/<release>`` that are not there."""
    modules_dir: str = _text(r"(?:/[^/\0]+)*", "an absolute path", "")
    """Module directory of a real kernel, such as one in ``/lib/modules``: it is seen
    instead of one that is made of ``modules``. What else is in it can be loaded and
    does nothing."""
    build_folder: str = _text(r"(?:/[^/\0]+)*", "an absolute path", "")
    """Directory where the modules outside ``kernel/`` were built, and still are."""
    owned_groups: tuple[int, ...] = ()
    """IOMMU groups that some process has opened through VFIO: host drivers are kept
    out, and a VFIO driver does not let go of a member."""
    faults: tuple[Fault, ...] = ()
    expected: Expected | None = None
