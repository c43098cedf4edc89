"""Kernel modules as values: what a ``.ko`` file or built-in object declares.

Knows nothing of files on disk or of modprobe; that is ``simkernel.kmod``.
"""

from __future__ import annotations

from dataclasses import dataclass

from simkernel.model.core.driver import DriverSpec

__all__ = ["DeviceSpec", "ModuleSpec", "ParameterSpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpec:
    """A device on a bus other than PCI, of the host or made by a module."""

    bus: str
    name: str
    """Name on the bus; one that ends in ``.auto`` gets a number before that."""
    id: str
    """What drivers match, in the bus's own form."""
    iommu: bool = False
    """Has an IOMMU group of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSpec:
    """One ``module_param`` of a module.

    Source: include/linux/moduleparam.h.
    """

    name: str
    """Name below ``/sys/module/<module>/parameters/``."""
    type: str = "int"
    """``int``, ``uint``, ``bool`` or ``charp``, as modinfo's ``parmtype`` prints it."""
    default: str = "0"
    """Text that a read shows, without newline."""
    mode: int = 0o644
    """Permission bits of the file; 0 hides it."""
    description: str = ""
    """Text of ``MODULE_PARM_DESC``; empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSpec:
    """One kernel module, loadable or built in, as the build made it.

    Source: include/linux/module.h, scripts/mod/modpost.c.
    """

    name: str
    """``KBUILD_MODNAME``: underscores, never dashes."""
    path: str
    """File below ``/lib/modules/<release>/``, uncompressed: ``kernel/.../x.ko``."""
    builtin: bool = False
    """Linked into the kernel image: listed in ``modules.builtin``, no ``.ko`` file."""
    aliases: tuple[str, ...] = ()
    """``alias`` strings of ``.modinfo``, in the order in which they stand there."""
    depends: tuple[str, ...] = ()
    """Names of the modules whose symbols this one uses."""
    softdeps: tuple[str, ...] = ()
    """``softdep`` strings of ``.modinfo``: ``pre: a b post: c``."""
    parameters: tuple[ParameterSpec, ...] = ()
    """Parameters in declaration order."""
    info: tuple[tuple[str, str], ...] = (("license", "GPL"),)
    """Further ``.modinfo`` pairs: license, description, author, version, srcversion."""
    drivers: tuple[DriverSpec, ...] = ()
    """Drivers that the module's init function registers, in that order."""
    devices: tuple[DeviceSpec, ...] = ()
    """Devices that the init function makes after the drivers, and the exit function
    takes away before them."""
    init_errno: int = 0
    """errno with which the init function fails; 0: it succeeds."""
    init_ms: int = 0
    """Milliseconds that the init function takes."""
    late_ms: int = 0
    """Milliseconds after loading at which the drivers register."""
    vanishes: bool = False
    """Loading reports success, and the module is not there."""
    hotplug_control: bool = False
    """Loading it creates ``/sys/kernel/<name>/cmd``, which plugs functions."""
