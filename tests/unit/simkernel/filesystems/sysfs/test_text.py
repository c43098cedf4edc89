"""Parsers for the text of writes."""

from __future__ import annotations

from simkernel.filesystems.sysfs.text import name_hash


def test_names_are_ordered_by_the_kernels_hash() -> None:
    """The order of holders as a real kernel listed them."""
    listed = "vfio_pci_core vfio_iommu_type1 vfio_pci"
    watched = "scsi_mod libata sg sr_mod"

    for names in (listed.split(), watched.split()):
        assert names == sorted(sorted(names), key=name_hash)
