"""Device drivers and their id tables, and the PCI rule of matching.

Changes nothing; binding is the bus's work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simkernel.model.core.device import Device
    from simkernel.model.modules.loaded import Module

__all__ = ["ANY_ID", "Driver", "DriverSpec", "PciId"]

ANY_ID = 0xFFFFFFFF
"""``PCI_ANY_ID`` as the kernel compares it: 32 bits, all ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PciId:
    """One entry of a ``struct pci_device_id`` table; ids are 32-bit numbers.

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

    def fits(
        self, vendor: int, device: int, subvendor: int, subdevice: int, class_: int
    ) -> bool:
        """Tell whether a function with these ids is one that the entry means.

        Source: drivers/pci/pci.h pci_match_one_device(). Rule: R-MATCH-1.
        """
        return (
            self.vendor in (ANY_ID, vendor)
            and self.device in (ANY_ID, device)
            and self.subvendor in (ANY_ID, subvendor)
            and self.subdevice in (ANY_ID, subdevice)
            and not (self.class_ ^ class_) & self.class_mask
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSpec:
    """One driver that a module registers on a bus."""

    name: str
    """Directory name below ``/sys/bus/<bus>/drivers/``; any relation to the module's
    name is chance."""
    bus: str = "pci"
    ids: tuple[PciId, ...] = ()
    """Static id table; the first entry that fits wins."""
    match: tuple[str, ...] = ()
    """Table of a driver on another bus, each entry in the bus's own form."""
    vfio: bool = False
    """Registers a VFIO device for what it binds (group node, ``vfio-dev/``)."""
    managed_dma: bool = False
    """``driver_managed_dma``: may sit beside a user's device in one IOMMU group.
    A VFIO driver always may."""
    ports: bool = False
    """Is for ports of PCI Express: takes nothing else, and enables what it takes."""
    probe_errno: int = 0
    """errno with which probe fails for every device; 0: it succeeds."""
    denied: tuple[PciId, ...] = ()
    """Functions that probe refuses ..."""
    denial_parameter: str = ""
    """... unless this module parameter is on; empty: always."""
    virtual_only: int = 0
    """errno with which probe fails for what is no virtual function; 0: it does not."""
    probe_parameter: str = ""
    """Module parameter whose number probe returns (0 and above: success,
    ``-errno``: failure); empty: none."""
    probe_ms: int = 0
    """Milliseconds that every probe takes."""
    remove_ms: int = 0
    """Milliseconds that letting go of a device takes; negative: it never ends."""
    sriov: bool = False
    """Has ``sriov_configure``, so that ``sriov_numvfs`` can be written."""
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


@dataclass(slots=True, eq=False)
class Driver:
    """A driver registered on a bus."""

    spec: DriverSpec
    module: Module | None
    """The owner; None for code that is not a module."""
    dynamic_ids: list[PciId] = field(default_factory=list)
    """Ids added by ``new_id``, oldest first."""
    devices: dict[str, Device] = field(default_factory=dict)
    """Bound devices by name, in the order in which they were bound."""

    @property
    def name(self) -> str:
        """Name of the driver's directory."""
        return self.spec.name

    @property
    def devpath(self) -> str:
        """Path of the driver's directory below ``/sys``."""
        return f"/bus/{self.spec.bus}/drivers/{self.spec.name}"

    def parameter(self, name: str) -> int:
        """Return the number that a parameter of the owning module holds; 0 if none."""
        if self.module is None or not name:
            return 0
        return self.module.number(name)
