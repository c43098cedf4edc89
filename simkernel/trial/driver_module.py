"""Read the driver module that ``simkernel try`` tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simkernel.errors import UsageError
from simkernel.kmod.elf import ModuleImage
from simkernel.scenario.schema.patterns import MODULE
from simkernel.trial.decompress import decompressed
from simkernel.trial.driver_names import driver_names

__all__ = ["CORE", "DriverModule", "read_driver_module"]

CORE: Final = ("vfio_pci_core", "vfio_pci")
"""Modules that a VFIO PCI driver depends on; the second before Linux 5.16."""
_LIMIT_BYTES: Final = 128 << 20
_SUFFIX: Final = re.compile(r"\.ko(?:\.xz|\.zst|\.gz)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverModule:
    """A ``.ko`` file and its ``.modinfo``."""

    path: Path
    """The file, as the user named it."""
    data: bytes
    """Content, decompressed."""
    name: str
    file_name: str
    """Name of the file without compression suffix: ``my-vfio-pci.ko``."""
    info: tuple[tuple[str, str], ...]
    """Pairs of its ``.modinfo``."""
    drivers: tuple[str, ...]
    """Names of the PCI drivers that it registers."""

    @property
    def aliases(self) -> list[str]:
        """Its aliases, in ``.modinfo`` order."""
        return self.values("alias")

    @property
    def depends(self) -> list[str]:
        """Names of the modules that it depends on."""
        words = [word for text in self.values("depends") for word in text.split(",")]
        return [word.replace("-", "_") for word in words if word]

    @property
    def release(self) -> str:
        """Kernel release in its vermagic; empty: it has none."""
        return next(iter(self.values("vermagic")), "").partition(" ")[0]

    @property
    def is_vfio(self) -> bool:
        """It has a ``vfio_pci:`` alias, or depends on VFIO PCI."""
        announces = any(one.startswith("vfio_pci:") for one in self.aliases)
        return announces or any(one in self.depends for one in CORE)

    @property
    def uses_vfio(self) -> bool:
        """It depends on a VFIO module, so it can register devices."""
        return any(one in self.depends for one in ("vfio", *CORE))

    def values(self, key: str) -> list[str]:
        """Return all values of a key."""
        return [value for name, value in self.info if name == key]


def read_driver_module(path: Path, drivers: tuple[str, ...] = ()) -> DriverModule:
    """Read a module file.

    :param drivers: names of its drivers; empty: read them from the file.
    :raises UsageError: the file is unreadable, no module, or not named after its
        module; or it does not contain the names of its drivers.
    """
    file_name, data = _read(path)
    try:
        info = tuple(ModuleImage(data).modinfo())
    except (OSError, ValueError):
        raise UsageError(
            f"{path} is not a kernel module: no 64-bit ELF file with .modinfo"
        ) from None
    stem = file_name.removesuffix(".ko").replace("-", "_")
    name = next((value for key, value in info if key == "name"), stem)
    if not re.fullmatch(MODULE, name):
        raise UsageError(f"{path}: invalid module name {name!r}")
    if name != stem:
        raise UsageError(
            f"{path} contains module {name}, but depmod takes it for {stem}",
            hint=f"rename the file to {name}.ko",
        )
    module = DriverModule(
        path=path,
        data=data,
        name=name,
        file_name=file_name,
        info=info,
        drivers=drivers or driver_names(data, str(path)),
    )
    if not module.drivers:
        raise UsageError(
            f"{path}: no PCI driver name found; the module has no MODULE_DEVICE_TABLE",
            hint="name the driver with --driver NAME",
        )
    return module


def _read(path: Path) -> tuple[str, bytes]:
    """Return a file's uncompressed name and content.

    :raises UsageError: the file is unreadable, or has no suffix of a module.
    """
    suffix = _SUFFIX.search(path.name)
    if suffix is None:
        raise UsageError(
            f"{path} is not a module file: no suffix .ko, .ko.xz, .ko.zst or .ko.gz"
        )
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > _LIMIT_BYTES:
        raise UsageError(f"{path}: larger than {_LIMIT_BYTES >> 20} MiB")
    return f"{path.name[: suffix.start()]}.ko", decompressed(data, str(path))
