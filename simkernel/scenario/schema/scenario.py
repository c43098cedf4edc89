"""The root of a scenario."""

from __future__ import annotations

from dataclasses import dataclass, field

from simkernel.scenario.schema.devices import DeviceEntry
from simkernel.scenario.schema.kernel import FaultEntry, KernelImage
from simkernel.scenario.schema.modules import ModuleEntry, OtherDeviceEntry
from simkernel.scenario.schema.patterns import (
    ADDRESS,
    ADDRESS_MEANING,
    PATH,
    text_field,
    texts_field,
)
from simkernel.scenario.schema.programs import (
    AddressEntry,
    NodeEntry,
    ProcessEntry,
)

__all__ = ["Expected", "Scenario"]


_KERNEL_PATH = r"/(?:sys|proc|dev)" + PATH
_KERNEL_PATH_MEANING = "a path below /sys, /proc or /dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The expected state after binding, for tests of a tool."""

    device: str = text_field(ADDRESS, ADDRESS_MEANING)
    """The device to bind."""
    driver: str | None = None
    """Its driver after binding. Default: no driver."""
    succeeds: bool = True
    modules_loaded: tuple[str, ...] = ()
    """Modules that are loaded after binding."""
    modules_not_loaded: tuple[str, ...] = ()
    """Modules that are not loaded after binding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The host: its kernel, modules, devices and files."""

    kernel: KernelImage
    modules: tuple[ModuleEntry, ...] = ()
    loaded: tuple[str, ...] = ()
    """Modules loaded at boot, in this order; dependencies are loaded too."""
    devices: tuple[DeviceEntry, ...] = ()
    other_devices: tuple[OtherDeviceEntry, ...] = ()
    modprobe_d: dict[str, str] = field(default_factory=dict)
    """Files in ``/etc/modprobe.d`` by name."""
    files: dict[str, str] = field(
        default_factory=dict,
        metadata={
            "keys": PATH,
            "keys_meaning": "an absolute path without . and ..",
        },
    )
    """Files by absolute path. Below ``/sys``, ``/proc`` and ``/dev``: read-only files.
    A path that the kernel model shows itself is an error, which names its key."""
    links: dict[str, str] = field(
        default_factory=dict,
        metadata={
            "keys": _KERNEL_PATH,
            "keys_meaning": _KERNEL_PATH_MEANING,
        },
    )
    """Targets of symbolic links by absolute path, as ``readlink`` prints them."""
    directories: tuple[str, ...] = texts_field(_KERNEL_PATH, _KERNEL_PATH_MEANING)
    """Empty directories."""
    nodes: tuple[NodeEntry, ...] = ()
    processes: tuple[ProcessEntry, ...] = ()
    addresses: tuple[AddressEntry, ...] = ()
    """Addresses of interfaces, with or without a route."""
    container: bool = False
    """Programs run in a container: in a PID namespace without the kernel's threads."""
    udev: bool = False
    """udev runs and loads modules for new devices. The recorded uevents include the
    boot."""
    environment: dict[str, str] = field(default_factory=dict)
    """Environment variables of commands on the host."""
    missing: tuple[str, ...] = ()
    """Missing files of ``/lib/modules/<release>``."""
    modules_dir: str = text_field(r"(?:/[^/\0]+)*", "an absolute path", "")
    """Module directory of a real kernel, such as one in ``/lib/modules``. Default:
    generated from ``modules``. Modules that ``modules`` does not describe load without
    effect."""
    build_folder: str = text_field(r"(?:/[^/\0]+)*", "an absolute path", "")
    """Build directory with copies of the modules outside ``kernel/``."""
    owned_groups: tuple[int, ...] = ()
    """IOMMU groups that a process has open through VFIO: host drivers cannot bind a
    member, and unbinding a VFIO driver blocks."""
    faults: tuple[FaultEntry, ...] = ()
    expected: Expected | None = None
