"""What is read of a host before it is judged.

Pure: values only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from resolver.device import Device
from resolver.inspect.module_policy import Prohibition
from resolver.matching.alias_files import FileWarning

__all__ = ["Facts", "KernelConfig", "ModuleFacts", "Node", "Wanted"]


class KernelConfig(NamedTuple):
    """How a kernel was configured."""

    path: str
    """File that says it."""
    settings: Mapping[str, str]
    """Name without ``CONFIG_`` to value; ``n`` where the file says "is not set"."""

    def is_on(self, name: str) -> bool:
        """Return whether a thing is built in or a module."""
        return self.settings.get(name, "n") in ("y", "m")


class Wanted(NamedTuple):
    """A PCI device that could be given to VFIO, and what would take it."""

    device: Device
    module: str
    """Module of its best VFIO driver on this kernel."""
    missing: str | None
    """A variant that Linux has for it and this kernel does not."""


class ModuleFacts(NamedTuple):
    """A module that is wanted and not in the kernel yet."""

    path: str
    """Its file; empty: unknown."""
    is_signed: bool | None
    """Whether it has a signature; ``None``: unknown."""
    prohibition: Prohibition | None
    """What keeps it from being loaded."""


class Node(NamedTuple):
    """A device node of VFIO."""

    path: str
    mode: int
    """Permission bits."""
    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is read of a host; what it does not have is empty."""

    release: str = ""
    """What ``uname -r`` prints."""
    cpu: str = ""
    """``Intel``, ``AMD``, ``Arm`` or empty: another one, or unknown."""
    is_guest: bool = False
    """It is a virtual machine."""
    command_line: tuple[str, ...] = ()
    """Words of the kernel's command line."""
    iommu_groups: int = 0
    """How many there are."""
    iommu_capabilities: tuple[int, ...] = ()
    """Extended capability register of each Intel IOMMU."""
    firmware_tables: frozenset[str] = frozenset()
    """Names of the ACPI tables."""
    config: KernelConfig | None = None
    config_paths: tuple[str, ...] = ()
    """Where the configuration was looked for."""
    wanted: tuple[Wanted, ...] = ()
    modules: Mapping[str, ModuleFacts] = field(default_factory=dict)
    """By name, those that are wanted and not loaded."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """``module.parameter`` to value: of the running kernel, or configured for when
    the module gets loaded."""
    lockdown: str = ""
    """``integrity`` or ``confidentiality``; empty: not locked down."""
    is_signature_enforced: bool = False
    is_secure_boot: bool | None = None
    """``None``: the firmware does not say."""
    nodes: tuple[Node, ...] = ()
    """Below ``/dev/vfio``."""
    node_rules: tuple[str, ...] = ()
    """Files of udev rules about these nodes."""
    alias_notes: tuple[str, ...] = ()
    alias_warnings: tuple[FileWarning, ...] = ()
