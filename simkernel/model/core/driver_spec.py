"""Declarations of drivers: names, id tables, behaviour.

The drivers of the model are data. The buses play their functions.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ANY_ID", "DriverSpec", "PciId"]

ANY_ID = 0xFFFFFFFF
"""``PCI_ANY_ID`` as the kernel compares it: 32 bits, all ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PciId:
    """One entry of a ``struct pci_device_id`` table, 32-bit ids.

    Source: include/linux/mod_devicetable.h.
    """

    vendor: int = ANY_ID
    device: int = ANY_ID
    subvendor: int = ANY_ID
    subdevice: int = ANY_ID
    class_: int = 0
    class_mask: int = 0
    driver_data: int = 0
    override_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSpec:
    """One driver that a module registers on a bus.

    Source: include/linux/device/driver.h, include/linux/pci.h struct pci_driver.
    """

    name: str
    """Directory name below ``/sys/bus/<bus>/drivers/``; it need not resemble the
    module's name."""
    bus: str = "pci"
    ids: tuple[PciId, ...] = ()
    """Static id table; the first matching entry wins."""
    match: tuple[str, ...] = ()
    """Id table of a driver on another bus, each entry in the form of that bus."""
    vfio: bool = False
    """Registers a VFIO device when it binds (group node, ``vfio-dev/``)."""
    managed_dma: bool = False
    """``driver_managed_dma``: may bind in an IOMMU group whose DMA a user owns.
    A VFIO driver always may."""
    ports: bool = False
    """Binds PCI Express ports only, and enables them."""
    probe_errno: int = 0
    """errno with which probe fails for every device; 0: it succeeds."""
    denied: tuple[PciId, ...] = ()
    """Denylist: functions that probe refuses ..."""
    denial_parameter: str = ""
    """... unless this module parameter is on; empty: always."""
    virtual_only: int = 0
    """errno with which probe fails for any device but a virtual function; 0: it
    does not fail."""
    probe_parameter: str = ""
    """Module parameter whose number probe returns (0 and above: success,
    ``-errno``: failure); empty: none."""
    probe_ms: int = 0
    """Milliseconds that each probe takes."""
    remove_ms: int = 0
    """Milliseconds that the remove function takes; negative: it never returns."""
    sriov: bool = False
    """Has ``sriov_configure``: a write to ``sriov_numvfs`` takes effect."""
    sriov_enable_parameter: str = ""
    """Module parameter that must be on for that; empty: none."""
    sriov_result_parameter: str = ""
    """Module parameter whose number, if not 0, ``sriov_configure`` returns at once."""
    keeps_vfs_parameter: str = ""
    """Module parameter: while not 0, unbinding leaves virtual functions enabled."""
    notes_probe_in: str = ""
    """Module parameter that shows the id entry of the last probe; empty: none."""
    counts_probes_in: str = ""
    """Module parameter that counts calls of probe; empty: none."""
