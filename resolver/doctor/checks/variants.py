"""Check for variant drivers that this kernel lacks.

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding

__all__ = ["VARIANTS", "check"]


class Variant(NamedTuple):
    """A variant driver of the kernel's own tree."""

    option: str
    """Its name in the kernel's configuration, without ``CONFIG_``."""
    since: str
    """First release that has it."""
    needs: str
    """Options that it depends on, without ``CONFIG_``, separated by blanks."""


VARIANTS: Final = {
    "hisi_acc_vfio_pci": Variant(
        "HISI_ACC_VFIO_PCI",
        "5.18",
        "CRYPTO_DEV_HISI_QM CRYPTO_DEV_HISI_HPRE CRYPTO_DEV_HISI_SEC2 "
        "CRYPTO_DEV_HISI_ZIP",
    ),
    "ism_vfio_pci": Variant("ISM_VFIO_PCI", "7.1", ""),
    "mlx5_vfio_pci": Variant("MLX5_VFIO_PCI", "5.18", "MLX5_CORE"),
    "nvgrace_gpu_vfio_pci": Variant("NVGRACE_GPU_VFIO_PCI", "6.9", ""),
    "pds_vfio_pci": Variant("PDS_VFIO_PCI", "6.6", "PDS_CORE PCI_IOV"),
    "qat_vfio_pci": Variant("QAT_VFIO_PCI", "6.10", "CRYPTO_DEV_QAT_4XXX"),
    "virtio_vfio_pci": Variant("VIRTIO_VFIO_PCI", "6.8", "VIRTIO_PCI"),
    "xe_vfio_pci": Variant("XE_VFIO_PCI", "6.19", "DRM_XE PCI_IOV"),
}
"""Module to its option in Linux; ``resolver.matching.intree`` has the devices.

Source: Linux, the Kconfig files below drivers/vfio/pci/, and the first releases that
have them; the last two came with commits 2e38c50ae492 ("vfio/xe: Add device specific
vfio_pci driver variant for Intel graphics") and bf4197be96d0 ("vfio/ism: Implement
vfio_pci driver for ISM devices").
"""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield each variant driver that the kernel lacks."""
    missing = defaultdict(list)
    for one in facts.wanted:
        if one.missing is not None:
            missing[one.missing].append(one.device.name)
    for module, devices in sorted(missing.items()):
        yield Finding(
            id="variant-missing",
            severity="warning",
            message=f"variant driver {module} exists for these devices but not in this "
            "kernel; without it, guests cannot be live-migrated",
            advice=(_what_to_do(facts, module),),
            devices=tuple(devices),
        )


def _what_to_do(facts: Facts, module: str) -> str:
    variant = VARIANTS[module]
    option = f"CONFIG_{variant.option}"
    if facts.config is None:
        return f"boot a kernel with {option}=m (Linux {variant.since} or later)"
    value = facts.config.settings.get(variant.option)
    where = facts.config.path
    if value == "n":
        return (
            f"ask the distributor of the kernel for {option}=m, or build a kernel with "
            f"it (not set in {where})"
        )
    if value is not None:
        return (
            f"install the package with the module, on some distributions "
            f"linux-modules-extra-{facts.release or 'RELEASE'} ({where} has "
            f"{option}={value})"
        )
    needed = [n for n in variant.needs.split() if not facts.config.is_on(n)]
    if needed:
        names = ", ".join(f"CONFIG_{name}" for name in needed)
        return f"boot a kernel with {option}=m and its dependencies: {names}"
    return (
        f"boot a kernel with {option} (Linux {variant.since} or later; unknown in "
        f"{where})"
    )
