"""``/dev/vfio``: a directory that is there while the simulated kernel has it."""

from __future__ import annotations

import os

from simkernel.fronts.fuse.inside import syscalls

__all__ = ["VfioFolder"]

_PLACE = "/dev/vfio"
_ASIDE = "/dev/.vfio"
"""Where it is mounted while it is not to be seen."""


class VfioFolder:
    """The mount, moved to and fro.

    No file of the kernel's is looked at on the way: it might be waiting for this.

    :param source: path of the directory in the kernel's file system.
    :raises OSError: the machine does not allow it.
    """

    def __init__(self, source: str) -> None:
        self._mount = syscalls.detached(source)
        self._is_shown = False

    def begin(self) -> None:
        """Mount it aside, as one of this namespace's own, which can be moved.

        :raises OSError: the machine does not allow it.
        """
        os.mkdir(_ASIDE)
        syscalls.attach(self._mount, _ASIDE)
        os.close(self._mount)

    def show(self, wanted: bool) -> None:
        """Show it, or hide it.

        :raises OSError: a program has put something else there.
        """
        if wanted == self._is_shown:
            return
        if wanted:
            os.mkdir(_PLACE)
            syscalls.move(_ASIDE, _PLACE)
        else:
            syscalls.move(_PLACE, _ASIDE)
            os.rmdir(_PLACE)
        self._is_shown = wanted
