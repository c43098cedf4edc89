"""Facts about a kernel module. Pure: values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Alias", "Binary", "Form", "Module", "TableEntry", "Unreadable"]

Form = Literal["ko", "modinfo", "modules.alias"]
"""Source of the facts: module file, ``modinfo`` output, or depmod's alias list."""

_CORE: Final = "vfio_pci_core"
_GENERIC: Final = frozenset(
    {"vfio_amba", "vfio_cdx", "vfio_fsl_mc", "vfio_pci", "vfio_pci_core"}
    | {"vfio_platform", "vfio_platform_base"}
)


@dataclass(frozen=True, slots=True)
class Alias:
    """One alias of a module."""

    pattern: str
    line: int = 0
    """Line of the file, from 1; 0 without lines."""


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One entry of a driver's table of PCI ids."""

    ids: str
    """For output: ``15b3:101e``, with subsystem and class if the entry has them."""
    alias: str
    """The alias that modpost prints for it; empty if none."""


@dataclass(frozen=True, slots=True)
class Binary:
    """Facts that only the module file has."""

    drivers: tuple[str, ...] = ()
    """Names of the PCI drivers that the module registers; empty if not found."""
    entries: tuple[TableEntry, ...] = ()
    """All entries of the PCI id tables, without the empty last ones."""
    needs: frozenset[str] = frozenset()
    """Undefined symbols, which other modules or the kernel provide."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module; a fact that the source lacks is ``None``."""

    path: str
    """File that was read; ``-`` for stdin."""
    name: str
    """Name with ``_`` for ``-``, as in the kernel."""
    form: Form
    aliases: tuple[Alias, ...] = ()
    depends: tuple[str, ...] | None = None
    """Modules in its ``depends``, with ``_`` for ``-``."""
    softdeps: tuple[str, ...] | None = None
    """Its ``softdep`` texts: ``pre: a b post: c``."""
    license: str | None = None
    vermagic: str | None = None
    is_signed: bool | None = None
    binary: Binary | None = None
    """Only for modules that use VFIO."""

    @property
    def is_variant(self) -> bool:
        """Whether it is a variant driver: a VFIO driver for certain devices."""
        if self.name in _GENERIC:
            return False
        claims = any(one.pattern.startswith("vfio") for one in self.aliases)
        return claims or _CORE in (self.depends or ()) or self.uses_core

    @property
    def uses_core(self) -> bool:
        """Whether it calls vfio-pci-core."""
        needs = self.binary.needs if self.binary else ()
        return any(one.startswith(f"{_CORE}_") for one in needs)

    @property
    def makes_devices(self) -> bool:
        """Whether it may create VFIO devices without vfio-pci-core."""
        if self.binary is None:
            return "vfio" in (self.depends or ())
        return any(one.startswith("vfio_register_") for one in self.binary.needs)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that is not a module, or is broken."""

    path: str
    why: str
