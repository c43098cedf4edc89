"""VFIO's variant drivers from the kernel's sources.

Distributions ship few of them. The sources of a kernel's series have them all, each
in its own folder, which builds out of tree.

Source: drivers/vfio/pci/*/Makefile and the ``pci_driver`` of each.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from simkernel.errors import UsageError
from simkernel.fronts.vm.machine.installed_kernel import (
    InstalledKernel,
    require_programs,
)
from simkernel.fronts.vm.modules.cache import cached, fingerprint
from simkernel.scenario.schema import DriverEntry, ModuleEntry

__all__ = ["VARIANTS", "Variant", "is_upstream_variant", "sources"]

_FOLDER = "drivers/vfio/pci"


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant driver in the kernel's sources."""

    folder: str
    """Folder below ``drivers/vfio/pci``."""
    option: str
    """Its configuration option."""
    driver: str
    """Name of the driver that it registers."""


VARIANTS = {
    "hisi_acc_vfio_pci": Variant(
        "hisilicon", "CONFIG_HISI_ACC_VFIO_PCI", "hisi_acc_vfio_pci"
    ),
    "mlx5_vfio_pci": Variant("mlx5", "CONFIG_MLX5_VFIO_PCI", "mlx5_vfio_pci"),
    "nvgrace_gpu_vfio_pci": Variant(
        "nvgrace-gpu", "CONFIG_NVGRACE_GPU_VFIO_PCI", "nvgrace_gpu_vfio_pci"
    ),
    "pds_vfio_pci": Variant("pds", "CONFIG_PDS_VFIO_PCI", "pds_vfio_pci"),
    "qat_vfio_pci": Variant("qat", "CONFIG_QAT_VFIO_PCI", "qat_vfio_pci"),
    "virtio_vfio_pci": Variant("virtio", "CONFIG_VIRTIO_VFIO_PCI", "virtio_vfio_pci"),
    "xe_vfio_pci": Variant("xe", "CONFIG_XE_VFIO_PCI", "xe-vfio-pci"),
}
"""By module name."""


def is_upstream_variant(module: ModuleEntry) -> bool:
    """Whether a scenario's module is the kernel's variant driver, unchanged."""
    variant = VARIANTS.get(module.name)
    if variant is None or len(module.drivers) != 1:
        return False
    driver = module.drivers[0]
    plain = DriverEntry(name=variant.driver, ids=driver.ids, vfio=True)
    own = ModuleEntry(
        name=module.name,
        path=module.path,
        builtin=module.builtin,
        listed=module.listed,
        depends=module.depends,
        drivers=(plain,),
        license=module.license,
        description=module.description,
        version=module.version,
    )
    return module == own


def sources(kernel: InstalledKernel, module: str) -> dict[str, bytes]:
    """Return the files of a variant's folder: name to content; empty: no folder.

    The first call for a kernel unpacks the archive, which takes about 30 seconds.

    :raises UsageError: the sources are not installed, or do not unpack.
    """
    archive = kernel.archive()
    name = f"sources-{fingerprint([archive])}"
    place = cached(kernel.release, name, lambda made: _unpack(archive, made))
    found = (place / VARIANTS[module].folder).glob("*")
    return {one.name: one.read_bytes() for one in sorted(found) if one.is_file()}


def _unpack(archive: Path, place: Path) -> None:
    require_programs("tar", "xz")
    depth = len(_FOLDER.split("/")) + 1
    words: list[str | Path] = ["tar", "-xJf", archive, "-C", place]
    words += [f"--strip-components={depth}"]
    words += ["--wildcards", f"*/{_FOLDER}/*"]
    ran = subprocess.run(
        words,
        env={**os.environ, "XZ_OPT": "-T0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if ran.returncode:
        text = ran.stderr.decode(errors="replace").strip()
        raise UsageError(f"cannot unpack {archive}: {text}")
