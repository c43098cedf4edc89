"""How long clients' kernels keep names before they ask for them again.

What is there as long as its directory is, they keep. Other names come and go: they are
kept while nothing changes, if the clients' kernels can be told to forget them all.
Where things change, being told would cost more than asking.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from typing import Any

from simkernel.filesystems.node import Stay

__all__ = ["Names"]

_EPOCH_PROTOCOL = (7, 44)
"""Since which kernels forget all names at once (include/uapi/linux/fuse.h)."""
_INCREMENT_EPOCH = struct.pack("=IiQ", 16, 8, 0)
"""``fuse_out_header`` of FUSE_NOTIFY_INC_EPOCH."""
_LONG_S = 86400.0
_COMING_AND_GOING = Stay.BRIEFLY, Stay.WITH_DEVICES
_QUIET_S = 0.05
"""How long nothing must have changed."""


class Names:
    """Says of each name that is looked up how long it may be kept.

    libfuse has one setting for all; it is read right after the look-up was answered. It
    can be set for each, since one thread at a time answers look-ups: ``Workers`` has
    others only for operations that wait.

    :param device: ``/dev/fuse``, through which kernels are told.
    :param keeps: False: nothing is kept, so that everything is asked for.
    """

    def __init__(self, device: int, *, keeps: bool) -> None:
        self._device = device
        self._keeps = keeps
        self._forgets = False
        self._are_kept = dict.fromkeys(_COMING_AND_GOING, False)
        """Such names may be in somebody's memory."""
        self._changed_s = dict.fromkeys(_COMING_AND_GOING, 0.0)
        self._config: Any = None

    def begin(self, connection: Any, config: Any) -> None:
        """Take note of what the kernel can, and set what is the same for all names.

        :param connection: libfuse's ``struct fuse_conn_info``.
        :param config: its ``struct fuse_config``.
        """
        protocol = connection.proto_major, connection.proto_minor
        self._forgets = protocol >= _EPOCH_PROTOCOL
        self._config = config
        config.attr_timeout = _LONG_S  # the attributes of a file never change
        config.entry_timeout = config.negative_timeout = 0.0

    def found(self, stay: Stay, *, is_true: Callable[[], bool]) -> None:
        """Say of a name that is there how long it is kept.

        :param is_true: tells whether nothing has changed since it was looked for.
        """
        keep = self._may_keep(stay, is_true=is_true)
        self._config.entry_timeout = _LONG_S if keep else 0.0

    def missing(self, *, is_true: Callable[[], bool]) -> None:
        """Say of a name that is not there how long that is kept."""
        keep = self._may_keep(Stay.BRIEFLY, is_true=is_true)
        self._config.negative_timeout = _LONG_S if keep else 0.0

    def _may_keep(self, stay: Stay, *, is_true: Callable[[], bool]) -> bool:
        if not self._keeps:
            return False
        if stay is Stay.WITH_DIRECTORY:
            return True
        before, self._are_kept[stay] = self._are_kept[stay], True
        # Whoever changes something from here on finds that names are kept.
        quiet_s = time.monotonic() - self._changed_s[stay]
        if self._forgets and quiet_s >= _QUIET_S and is_true():
            return True
        self._are_kept[stay] = before
        return False

    def changed(self, gone: Stay) -> None:
        """Have kernels ask anew for all names: something has come or gone.

        Any thread may call it: no lock of the kernel's is taken.

        :param gone: no name that stays longer than this did; if only such names are
            kept, they may be.

        Source: fs/fuse/dev.c fuse_notify_inc_epoch().
        """
        now = time.monotonic()
        affected = [stay for stay in _COMING_AND_GOING if stay <= gone]
        for stay in affected:
            self._changed_s[stay] = now
        if any(self._are_kept[stay] for stay in affected):
            self._are_kept = dict.fromkeys(_COMING_AND_GOING, False)
            os.write(self._device, _INCREMENT_EPOCH)
