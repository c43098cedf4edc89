"""Device nodes of VFIO: their numbers and owners."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CDEV_MAJOR", "CONTAINER", "GROUP_MAJOR", "NodeOwner"]

GROUP_MAJOR = 244
"""Major number of ``/dev/vfio/<group>``; a real kernel assigns it at run time."""
CDEV_MAJOR = 243
"""Major number of ``/dev/vfio/devices/vfioN``; a real kernel assigns it at run time."""
CONTAINER = (10, 196)
"""Major and minor number of ``/dev/vfio/vfio`` (include/linux/miscdevice.h)."""


class NodeOwner(NamedTuple):
    """Owner and permissions of a device node."""

    uid: int
    gid: int
    mode: int
    """Permission bits."""
