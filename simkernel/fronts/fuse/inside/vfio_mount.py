"""The mount of ``/dev/vfio``."""

from __future__ import annotations

import os

from simkernel.fronts.fuse.inside import syscalls

__all__ = ["VfioMount"]

_MOUNT_POINT = "/dev/vfio"
_HIDDEN_MOUNT_POINT = "/dev/.vfio"


class VfioMount:
    """A mount with a visible and a hidden mount point.

    It uses no file of the FUSE file system: the simulated kernel may be waiting for
    this process.

    :param source: path of the directory in the FUSE file system.
    :raises OSError: the machine does not allow it.
    """

    def __init__(self, source: str) -> None:
        self._mount = syscalls.detached(source)
        self._is_visible = False

    def attach(self) -> None:
        """Attach the mount to the hidden mount point.

        Only a mount that was attached in this mount namespace can move.

        :raises OSError: the machine does not allow it.
        """
        os.mkdir(_HIDDEN_MOUNT_POINT)
        syscalls.attach(self._mount, _HIDDEN_MOUNT_POINT)
        os.close(self._mount)

    def set_visible(self, visible: bool) -> None:
        """Show or hide the directory.

        :raises OSError: a program uses the mount point for a mount of its own.
        """
        if visible == self._is_visible:
            return
        if visible:
            os.mkdir(_MOUNT_POINT)
            syscalls.move(_HIDDEN_MOUNT_POINT, _MOUNT_POINT)
        else:
            syscalls.move(_MOUNT_POINT, _HIDDEN_MOUNT_POINT)
            os.rmdir(_MOUNT_POINT)
        self._is_visible = visible
