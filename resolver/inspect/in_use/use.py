"""What a device is used for."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Rule", "Use"]

Rule = Literal["disk-in-use", "network-in-use", "node-open", "vfs-enabled", "boot-vga"]


class Use(NamedTuple):
    """One use."""

    rule: Rule
    """Id of the rule that refuses to end it."""
    text: str
    """``nvme0n1p2 is mounted at /home``."""
