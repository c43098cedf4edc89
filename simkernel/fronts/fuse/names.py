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

__all__ = ["Names"]

_EPOCH_PROTOCOL = (7, 44)
"""Since which kernels forget all names at once (include/uapi/linux/fuse.h)."""
_INCREMENT_EPOCH = struct.pack("=IiQ", 16, 8, 0)
"""``fuse_out_header`` of FUSE_NOTIFY_INC_EPOCH."""
_LONG_S = 86400.0
_QUIET_S = 0.05
"""How long nothing must have changed."""


class Names:
    """Says of each name that is looked up how long it may be kept.

    libfuse has one setting for all; it is read right after the look-up was answered. So
    it can be set for each while one thread answers; while there are more, nothing is
    kept.

    :param device: ``/dev/fuse``, through which kernels are told.
    :param is_alone: tells whether one thread answers.
    :param keeps: False: nothing is kept, so that everything is asked for.
    """

    def __init__(
        self, device: int, is_alone: Callable[[], bool], *, keeps: bool
    ) -> None:
        self._device = device
        self._is_alone = is_alone
        self._keeps = keeps
        self._forgets = False
        self._are_kept = False
        """Names that come and go may be in somebody's memory."""
        self._changed_s = 0.0
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

    def found(self, *, lasting: bool, is_true: Callable[[], bool]) -> None:
        """Say of a name that is there how long it is kept.

        :param lasting: it is there as long as its directory is.
        :param is_true: tells whether nothing has changed since it was looked for.
        """
        keep = self._may_keep(lasting=lasting, is_true=is_true)
        self._config.entry_timeout = _LONG_S if keep else 0.0

    def missing(self, *, is_true: Callable[[], bool]) -> None:
        """Say of a name that is not there how long that is kept."""
        keep = self._may_keep(lasting=False, is_true=is_true)
        self._config.negative_timeout = _LONG_S if keep else 0.0

    def _may_keep(self, *, lasting: bool, is_true: Callable[[], bool]) -> bool:
        if not self._keeps or not self._is_alone():
            return False
        if lasting:
            return True
        before, self._are_kept = self._are_kept, True
        # Whoever changes something from here on finds that names are kept.
        quiet_s = time.monotonic() - self._changed_s
        if self._forgets and quiet_s >= _QUIET_S and is_true():
            return True
        self._are_kept = before
        return False

    def changed(self) -> None:
        """Have kernels ask anew for all names: something has come or gone.

        Any thread may call it: no lock of the kernel's is taken.

        Source: fs/fuse/dev.c fuse_notify_inc_epoch().
        """
        self._changed_s = time.monotonic()
        if self._are_kept:
            self._are_kept = False
            os.write(self._device, _INCREMENT_EPOCH)
