"""Device nodes of VFIO: their numbers, and whose they are."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CDEV_MAJOR", "CONTAINER", "GROUP_MAJOR", "Owner"]

GROUP_MAJOR = 244
"""Major number of ``/dev/vfio/<group>``; the real one is dynamic."""
CDEV_MAJOR = 243
"""Major number of ``/dev/vfio/devices/vfioN``; the real one is dynamic."""
CONTAINER = (10, 196)
"""Major and minor number of ``/dev/vfio/vfio``."""


class Owner(NamedTuple):
    """Whose a device node is."""

    uid: int
    gid: int
    mode: int
    """Permission bits."""
