"""Options of one call, for the command and for the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from resolver.linux import TIMEOUT_S

__all__ = ["Grant", "Options"]


class Grant(NamedTuple):
    """New owner of a device's nodes in ``/dev/vfio``."""

    uid: int | None
    """``None``: unchanged."""
    gid: int | None
    """``None``: unchanged. Otherwise the group may read and write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of one call; the defaults are those of the command."""

    driver: str | None = None
    """Driver or module to bind to; ``None``: the best match."""
    owner: Grant | None = None
    """New owner of the device's nodes; ``None``: unchanged."""
    is_persistent: bool = False
    """Bind the device at every boot."""
    is_forced: bool = False
    """Bind devices even if they are in use."""
    is_dry_run: bool = False
    """Run all checks, and change nothing."""
    is_atomic: bool = False
    """Bind all devices or none."""
    jobs: int | None = None
    """IOMMU groups to work on in parallel; ``None``: the default."""
    timeout_s: float = TIMEOUT_S
    """Seconds to wait for each write, module and lock."""
    together: frozenset[str] = frozenset()
    """Devices of this call: they do not block each other's IOMMU group."""
    group_members: frozenset[str] = frozenset()
    """Devices added by ``--group``: each gets its best match."""

    def driver_for(self, device: str) -> str | None:
        """Return the driver requested for a device; ``None``: the best match."""
        return None if device in self.group_members else self.driver
