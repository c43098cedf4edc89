"""A host, whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from simkernel.scenario.schema.devices import DeviceEntry
from simkernel.scenario.schema.kernel import FaultEntry, KernelImage
from simkernel.scenario.schema.modules import ModuleEntry, OtherDeviceEntry
from simkernel.scenario.schema.patterns import ADDRESS, PATH, text_field

__all__ = ["Expected", "Scenario"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What binding should come to, for whoever tests a tool on the scenario."""

    device: str = text_field(ADDRESS, "like 0000:3b:00.2")
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
    modules: tuple[ModuleEntry, ...] = ()
    loaded: tuple[str, ...] = ()
    """Modules loaded at the start, in this order; what they need comes with them."""
    devices: tuple[DeviceEntry, ...] = ()
    other_devices: tuple[OtherDeviceEntry, ...] = ()
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
    modules_dir: str = text_field(r"(?:/[^/\0]+)*", "an absolute path", "")
    """Module directory of a real kernel, such as one in ``/lib/modules``: it is seen
    instead of one that is made of ``modules``. What else is in it can be loaded and
    does nothing."""
    build_folder: str = text_field(r"(?:/[^/\0]+)*", "an absolute path", "")
    """Directory where the modules outside ``kernel/`` were built, and still are."""
    owned_groups: tuple[int, ...] = ()
    """IOMMU groups that some process has opened through VFIO: host drivers are kept
    out, and a VFIO driver does not let go of a member."""
    faults: tuple[FaultEntry, ...] = ()
    expected: Expected | None = None
