"""Facts about a host, for the checks. Pure: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from resolver.device import Device
from resolver.inspect.module_policy import Prohibition
from resolver.matching.alias_files import FileWarning

__all__ = ["Facts", "KernelConfig", "ModuleFacts", "Node", "Wanted"]


class KernelConfig(NamedTuple):
    """A kernel's build configuration."""

    path: str
    """File that it was read from."""
    settings: Mapping[str, str]
    """Name without ``CONFIG_`` to value; ``n`` where the file says "is not set"."""

    def is_on(self, name: str) -> bool:
        """Return whether an option is built in or a module."""
        return self.settings.get(name, "n") in ("y", "m")


class Wanted(NamedTuple):
    """A PCI device that VFIO could use, and the module for it."""

    device: Device
    module: str
    """Module of its best VFIO driver on this kernel."""
    missing: str | None
    """Module of a variant driver that Linux has and this kernel lacks."""


class ModuleFacts(NamedTuple):
    """A module that a device needs and the kernel has not loaded."""

    path: str
    """Its file; empty if unknown."""
    is_signed: bool | None
    """Whether it has a signature; ``None`` if unknown."""
    prohibition: Prohibition | None
    """The line that keeps it from being loaded."""


class Node(NamedTuple):
    """A device node of VFIO."""

    path: str
    mode: int
    """Permission bits."""
    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts about a host; empty if the host lacks them."""

    release: str = ""
    """Kernel release, as ``uname -r`` prints it."""
    cpu: str = ""
    """``Intel``, ``AMD``, ``Arm``, or empty for another or unknown vendor."""
    is_guest: bool = False
    """The host is a virtual machine."""
    command_line: tuple[str, ...] = ()
    """Words of the kernel command line."""
    iommu_groups: int = 0
    """Number of IOMMU groups."""
    iommu_capabilities: tuple[int, ...] = ()
    """Extended capability register of each Intel IOMMU."""
    firmware_tables: frozenset[str] = frozenset()
    """Names of the ACPI tables."""
    config: KernelConfig | None = None
    config_paths: tuple[str, ...] = ()
    """Files that may have the configuration."""
    wanted: tuple[Wanted, ...] = ()
    modules: Mapping[str, ModuleFacts] = field(default_factory=dict)
    """Name to facts of each module that a device needs and that is not loaded."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """``module.parameter`` to value: in the running kernel, or as configured for a
    module that is not loaded."""
    lockdown: str = ""
    """``integrity`` or ``confidentiality``; empty if not locked down."""
    is_signature_enforced: bool = False
    is_secure_boot: bool | None = None
    """``None`` if the firmware does not tell."""
    nodes: tuple[Node, ...] = ()
    """Device nodes below ``/dev/vfio``."""
    node_rules: tuple[str, ...] = ()
    """Files of udev rules that grant access to these nodes."""
    alias_notes: tuple[str, ...] = ()
    alias_warnings: tuple[FileWarning, ...] = ()
    is_removed: bool = False
    """The modules of the running kernel are gone, and other kernels are installed."""
    reserved: Mapping[str, str] = field(default_factory=dict)
    """Device to the memory that the firmware reserves for its IOMMU group."""
    split_by: str | None = None
    """Kernel parameter that splits IOMMU groups; ``None``: not set."""
    framebuffers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Device to the framebuffers of the console in its memory."""
    unseen: tuple[str, ...] = ()
    """Parts of the host that are not visible."""
