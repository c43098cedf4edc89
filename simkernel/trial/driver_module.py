"""A module that its developer has built, as its file describes it."""

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
"""Modules of which a VFIO driver for PCI needs one: the second before Linux 5.16."""
_LIMIT_BYTES: Final = 128 << 20
_SUFFIX: Final = re.compile(r"\.ko(?:\.xz|\.zst|\.gz)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverModule:
    """What a ``.ko`` file says."""

    path: Path
    """The file, as it was named."""
    data: bytes
    """What it holds, unpacked."""
    name: str
    file_name: str
    """Name of the file without what it is packed with: ``my-vfio-pci.ko``."""
    info: tuple[tuple[str, str], ...]
    """Pairs of its ``.modinfo``."""
    drivers: tuple[str, ...]
    """PCI drivers that it registers."""

    @property
    def aliases(self) -> list[str]:
        """Its aliases, in their order."""
        return self.values("alias")

    @property
    def depends(self) -> list[str]:
        """The modules that it needs."""
        words = [word for text in self.values("depends") for word in text.split(",")]
        return [word.replace("-", "_") for word in words if word]

    @property
    def release(self) -> str:
        """The kernel release that it was built for; empty: it does not say."""
        return next(iter(self.values("vermagic")), "").partition(" ")[0]

    @property
    def is_vfio(self) -> bool:
        """It is a VFIO driver: it says so, or uses what such a driver is made of."""
        announces = any(one.startswith("vfio_pci:") for one in self.aliases)
        return announces or any(one in self.depends for one in CORE)

    @property
    def uses_vfio(self) -> bool:
        """It can register devices with VFIO: it is linked with VFIO's modules."""
        return any(one in self.depends for one in ("vfio", *CORE))

    def values(self, key: str) -> list[str]:
        """Return all values of a key."""
        return [value for name, value in self.info if name == key]


def read_driver_module(path: Path, drivers: tuple[str, ...] = ()) -> DriverModule:
    """Return the module of a file.

    :param drivers: names of its drivers, where a person has told them.
    :raises UsageError: it cannot be read, is no module, is named unlike its module, or
        the names of its drivers do not show.
    """
    file_name, data = _read(path)
    try:
        info = tuple(ModuleImage(data).modinfo())
    except (OSError, ValueError):
        raise UsageError(
            f"{path} is no kernel module: it is no 64-bit ELF file with .modinfo"
        ) from None
    stem = file_name.removesuffix(".ko").replace("-", "_")
    name = next((value for key, value in info if key == "name"), stem)
    if not re.fullmatch(MODULE, name):
        raise UsageError(f"{path}: {name!r} is no name of a module")
    if name != stem:
        raise UsageError(
            f"{path} is the module {name}; depmod and modprobe would take it for "
            f"{stem}: rename the file"
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
            f"{path}: no PCI driver's name shows in it, as MODULE_DEVICE_TABLE would "
            "make it: say --driver NAME"
        )
    return module


def _read(path: Path) -> tuple[str, bytes]:
    """Return a file's name without packing suffix, and its content, unpacked.

    :raises UsageError: it cannot be read, or is not called as a module is.
    """
    suffix = _SUFFIX.search(path.name)
    if suffix is None:
        raise UsageError(
            f"{path}: a module's file ends in .ko, .ko.xz, .ko.zst, .ko.gz"
        )
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > _LIMIT_BYTES:
        raise UsageError(f"{path}: more than {_LIMIT_BYTES >> 20} MiB")
    return f"{path.name[: suffix.start()]}.ko", decompressed(data, str(path))
