"""One use of a device."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Rule", "Use"]

Rule = Literal[
    "disk-in-use",
    "network-in-use",
    "node-open",
    "vfs-enabled",
    "mdevs-created",
    "vgpu-assigned",
    "boot-vga",
    "use-unknown",
]


class Use(NamedTuple):
    """One use of a device."""

    rule: Rule
    """Id of the rule that refuses to end it."""
    text: str
    """``nvme0n1p2 is mounted at /home``."""
