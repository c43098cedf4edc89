"""Name caching by the machine's kernel.

The server sets a timeout for each name. A name that lives as long as its directory is
cached for good. Other names come and go. They are cached while nothing changes, if the
machine's kernel can invalidate all names at once. While names change often, an
invalidation costs more than a look-up.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from typing import Any

from simkernel.filesystems.node import Lifetime
from simkernel.model.core.notifier import Change, Kind, Notice, Observer

__all__ = ["NameCache", "StaleNames"]

_EPOCH_PROTOCOL = (7, 44)
"""First FUSE protocol with FUSE_NOTIFY_INC_EPOCH (include/uapi/linux/fuse.h)."""
_INCREMENT_EPOCH = struct.pack("=IiQ", 16, 8, 0)
"""``fuse_out_header`` of FUSE_NOTIFY_INC_EPOCH."""
_LONG_S = 86400.0
_TEMPORARY = Lifetime.SHORT, Lifetime.DEVICE
_QUIET_S = 0.05
"""Time without changes before temporary names are cached."""


class StaleNames(Observer):
    """Names that are stale since the last invalidation."""

    def __init__(self) -> None:
        self._stale: Lifetime | None = None

    def changed(self, notice: Notice) -> None:
        """Note the names that a change makes stale.

        An added or removed device makes its path stale, other changes only short-lived
        names.
        """
        if notice.kind is Kind.DEVICE and notice.change is not Change.CHANGED:
            self._stale = Lifetime.DEVICE
        elif self._stale is None:
            self._stale = Lifetime.SHORT

    def take(self) -> Lifetime | None:
        """Return and reset the longest-lived stale names, if any."""
        stale, self._stale = self._stale, None
        return stale


class NameCache:
    """Cache timeouts of look-ups, and invalidation.

    libfuse has one timeout for all names, and reads it right after each look-up. It can
    differ by name because one thread at a time answers look-ups: ``Workers`` starts
    more threads for blocked operations only.

    :param device: ``/dev/fuse``, for invalidations.
    :param is_enabled: False: cache no names, so that the server receives every look-up.
    """

    def __init__(self, device: int, *, is_enabled: bool) -> None:
        self._device = device
        self._is_enabled = is_enabled
        self._can_invalidate = False
        self._may_be_cached = dict.fromkeys(_TEMPORARY, False)
        """Whether the machine's kernel may have cached names of this kind."""
        self._changed_s = dict.fromkeys(_TEMPORARY, 0.0)
        self._config: Any = None

    def configure(self, connection: Any, config: Any) -> None:
        """Check for invalidation, set the timeout of attributes.

        :param connection: libfuse's ``struct fuse_conn_info``.
        :param config: libfuse's ``struct fuse_config``.
        """
        protocol = connection.proto_major, connection.proto_minor
        self._can_invalidate = protocol >= _EPOCH_PROTOCOL
        self._config = config
        config.attr_timeout = _LONG_S  # the attributes of a file never change
        config.entry_timeout = config.negative_timeout = 0.0

    def set_found(self, lifetime: Lifetime, *, is_current: Callable[[], bool]) -> None:
        """Set the timeout of a name that exists.

        :param is_current: tells whether no name has changed since the look-up.
        """
        keep = self._may_cache(lifetime, is_current=is_current)
        self._config.entry_timeout = _LONG_S if keep else 0.0

    def set_missing(self, *, is_current: Callable[[], bool]) -> None:
        """Set the timeout of a name that does not exist."""
        keep = self._may_cache(Lifetime.SHORT, is_current=is_current)
        self._config.negative_timeout = _LONG_S if keep else 0.0

    def _may_cache(self, lifetime: Lifetime, *, is_current: Callable[[], bool]) -> bool:
        if not self._is_enabled:
            return False
        if lifetime is Lifetime.DIRECTORY:
            return True
        before, self._may_be_cached[lifetime] = self._may_be_cached[lifetime], True
        # A change from here on invalidates, so is_current() must be called after.
        quiet_s = time.monotonic() - self._changed_s[lifetime]
        if self._can_invalidate and quiet_s >= _QUIET_S and is_current():
            return True
        self._may_be_cached[lifetime] = before
        return False

    def invalidate(self, stale: Lifetime) -> None:
        """Invalidate cached names.

        Does nothing if no stale name can be cached. Takes no lock of the simulated
        kernel, so any thread may call it.

        :param stale: the longest-lived names that were added or removed.

        Source: fs/fuse/dev.c fuse_notify_inc_epoch().
        """
        now = time.monotonic()
        affected = [lifetime for lifetime in _TEMPORARY if lifetime <= stale]
        for lifetime in affected:
            self._changed_s[lifetime] = now
        if any(self._may_be_cached[lifetime] for lifetime in affected):
            self._may_be_cached = dict.fromkeys(_TEMPORARY, False)
            os.write(self._device, _INCREMENT_EPOCH)
