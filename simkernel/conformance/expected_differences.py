"""Differences between model and real kernel that are not compared.

``docs/supported-kernel.md`` lists both tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = [
    "CONSTANT_FILES",
    "NOT_COMPARED",
    "NOT_MODELLED",
    "ExpectedDifference",
    "is_not_compared",
    "is_not_modelled",
    "listing",
    "not_modelled_patterns",
]


@dataclass(frozen=True, slots=True)
class ExpectedDifference:
    """A kind of path that the comparison leaves out."""

    pattern: str
    """Regular expression for the end of a path, from the start of a name."""
    names: str
    """The pattern in words."""
    reason: str


NOT_MODELLED = (
    ExpectedDifference(
        r"resource\d+(?:_wc|_resize)?|rom|vpd|msi_irqs|aer_\w+|resource_resize"
        r"|reset_subordinate|serial_number|ptm|label|index|acpi_index|smbios\w*"
        r"|boot_vga|p2pmem|doe_features",
        "`resourceN`, `rom`, `vpd`, `msi_irqs`, `aer_*`, `reset_subordinate`, ...",
        "memory, interrupts and error reports of a function are not modelled",
    ),
    ExpectedDifference(
        r"firmware_node|software_node|waiting_for_supplier|supplier:.*|consumer:.*",
        "`firmware_node`, `software_node`, `waiting_for_supplier`, `supplier:*`, "
        "`consumer:*`",
        "firmware tables and their replacements are not modelled",
    ),
    ExpectedDifference(
        r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]:pcie\d{3}|pci_bus|wakeup"
        r"|dma|net|nvme|ptp|hwmon",
        "`*:pcieNNN`, `pci_bus`, `wakeup` and other devices below a function",
        "port services and child devices of real host drivers are not modelled",
    ),
    ExpectedDifference(
        r"power/(?!control$)[^/]+|link/[^/]+",
        "files in `power/` except `control`, files in `link/`",
        "power management is not modelled",
    ),
    ExpectedDifference(
        r"slots/.+",
        "files in `/sys/bus/pci/slots/`",
        "hot-plug slots are not modelled",
    ),
    ExpectedDifference(
        r"sections/.+|notes/.+",
        "files in `sections/` and `notes/` of a module",
        "load addresses and build ids are not modelled",
    ),
)
"""Paths that the model never has."""

NOT_COMPARED = (
    ExpectedDifference(
        r"config",
        "`config`",
        "registers are not modelled, only a function's identity",
    ),
    ExpectedDifference(
        r"resource|irq|local_cpus|local_cpulist|numa_node|(?:consistent_)?dma_mask_bits"
        r"|(?:max|current)_link_(?:speed|width)|power_state|d3cold_allowed",
        "`resource`, `irq`, `local_cpu*`, `numa_node`, `*dma_mask_bits`, `*_link_*`, "
        "`power_state`, `d3cold_allowed`",
        "they depend on the guest's hardware",
    ),
    ExpectedDifference(
        r"coresize|initsize|srcversion",
        "`coresize`, `initsize` and `srcversion` of a module",
        "they depend on compiler and source",
    ),
    ExpectedDifference(
        r"iommu",
        "the target of `iommu`",
        "it depends on the guest's IOMMU",
    ),
    ExpectedDifference(
        r"taint",
        "`taint` of a module, also in `/proc/modules`",
        "the stand-ins of a distribution's modules are unsigned",
    ),
    ExpectedDifference(
        r"reserved_regions",
        "`reserved_regions` of a group",
        "they depend on the machine's memory map",
    ),
)
"""Files that both kernels have and whose text is not compared."""


CONSTANT_FILES = (
    r"/(?:vendor|device|class|revision|subsystem_vendor|subsystem_device|modalias"
    r"|ari_enabled|sriov_totalvfs|sriov_vf_device"
    r"|sriov_vf_total_msix|secondary_bus_number|subordinate_bus_number"
    r"|config|resource|irq|local_cpus|local_cpulist|numa_node"
    r"|(?:consistent_)?dma_mask_bits|(?:max|current)_link_(?:speed|width)|power_state"
    r"|coresize|initsize|initstate|taint|version|srcversion|reserved_regions)$"
)
"""Regular expression for files whose text is constant, or not compared."""


def _ending(table: tuple[ExpectedDifference, ...]) -> re.Pattern[str]:
    return re.compile("/(?:" + "|".join(one.pattern for one in table) + ")(?:/|$)")


_NOT_MODELLED, _NOT_COMPARED = _ending(NOT_MODELLED), _ending(NOT_COMPARED)


@lru_cache(maxsize=1 << 16)
def is_not_modelled(path: str) -> bool:
    """Whether the model never has a path."""
    return _NOT_MODELLED.search(path) is not None


def not_modelled_patterns() -> list[str]:
    """Return regular expressions for paths that need no observation."""
    return [_NOT_MODELLED.pattern]


def is_not_compared(path: str) -> bool:
    """Whether the text of a file is not compared."""
    return _NOT_COMPARED.search(path) is not None


def listing() -> str:
    """Return both tables as Markdown list items."""
    return "".join(
        f"- {one.names}: {one.reason}.\n"
        for table in (NOT_MODELLED, NOT_COMPARED)
        for one in table
    )
