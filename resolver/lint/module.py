"""What a kernel module says about itself.

Pure: values only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Alias", "Binary", "Form", "Module", "TableEntry", "Unreadable"]

Form = Literal["ko", "modinfo", "modules.alias"]
"""Where it is from: the file itself, what ``modinfo`` prints of it, or what depmod
wrote down of its aliases."""

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
    """Line of the file, from 1; 0 where the file has no lines."""


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One entry of a table of PCI ids, as the driver has it."""

    ids: str
    """For a person: ``15b3:101e``, with subsystem and class where they are given."""
    alias: str
    """What modpost prints for it; empty: nothing."""


@dataclass(frozen=True, slots=True)
class Binary:
    """What only the file itself shows."""

    drivers: tuple[str, ...] = ()
    """Names of the PCI drivers that it registers; none: they were not found."""
    entries: tuple[TableEntry, ...] = ()
    """All entries of its tables of PCI ids, the last, empty ones left out."""
    needs: frozenset[str] = frozenset()
    """Symbols that it takes from elsewhere."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module; what its source does not tell is ``None``."""

    path: str
    """File that was read; ``-``: stdin."""
    name: str
    """With ``_`` for ``-``, as the kernel has it."""
    form: Form
    aliases: tuple[Alias, ...] = ()
    depends: tuple[str, ...] | None = None
    """Modules that its ``depends`` names, with ``_`` for ``-``."""
    softdeps: tuple[str, ...] | None = None
    """Its ``softdep`` texts: ``pre: a b post: c``."""
    license: str | None = None
    vermagic: str | None = None
    is_signed: bool | None = None
    binary: Binary | None = None
    """Only of modules that have to do with VFIO."""

    @property
    def is_variant(self) -> bool:
        """Whether it is a VFIO driver for devices of some kinds."""
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
        """Whether it makes VFIO devices without vfio-pci-core, or may do so."""
        if self.binary is None:
            return "vfio" in (self.depends or ())
        return any(one.startswith("vfio_register_") for one in self.binary.needs)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that is no module, or is broken."""

    path: str
    why: str
