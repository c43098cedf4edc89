"""Declarations of kernel modules, loadable or built in.

:mod:`simkernel.kmod` turns them into files.
"""

from __future__ import annotations

from dataclasses import dataclass

from simkernel.model.core.driver_spec import DriverSpec

__all__ = ["DeviceSpec", "ModuleSpec", "ParameterSpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpec:
    """A device on a bus other than PCI, of the host or of a module."""

    bus: str
    name: str
    """Name on the bus; a name that ends in ``.auto`` gets a number before it."""
    id: str
    """Id that drivers match, in the form of the bus."""
    iommu: bool = False
    """Is alone in an IOMMU group."""


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
    """One kernel module, loadable or built in, as built.

    Source: include/linux/module.h, scripts/mod/modpost.c.
    """

    name: str
    """``KBUILD_MODNAME``: underscores, never dashes."""
    path: str
    """File below ``/lib/modules/<release>/``, uncompressed: ``kernel/.../x.ko``."""
    builtin: bool = False
    """Linked into the kernel image: listed in ``modules.builtin``, no ``.ko`` file."""
    aliases: tuple[str, ...] = ()
    """``alias`` strings of ``.modinfo``, in their order."""
    depends: tuple[str, ...] = ()
    """Names of the modules whose symbols this module uses."""
    softdeps: tuple[str, ...] = ()
    """``softdep`` strings of ``.modinfo``: ``pre: a b post: c``."""
    parameters: tuple[ParameterSpec, ...] = ()
    """Parameters in declaration order."""
    info: tuple[tuple[str, str], ...] = (("license", "GPL"),)
    """Other ``.modinfo`` pairs: license, description, author, version, srcversion."""
    drivers: tuple[DriverSpec, ...] = ()
    """Drivers that the init function registers, in this order."""
    devices: tuple[DeviceSpec, ...] = ()
    """Devices that the init function adds after the drivers; the exit function
    removes them before the drivers."""
    init_errno: int = 0
    """errno that the init function returns; 0: it succeeds."""
    init_ms: int = 0
    """Milliseconds that the init function takes."""
    late_ms: int = 0
    """Milliseconds after loading at which the drivers register."""
    vanishes: bool = False
    """Loading reports success, but the module is not loaded."""
    hotplug_control: bool = False
    """Loading creates ``/sys/kernel/<name>/cmd``, which plugs PCI functions."""
