"""``device_lock()``: one operation on a device at a time.

It matters only for operations that take time: the others wait for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from simkernel.model.core.clock import Clock
from simkernel.model.core.device import Device

__all__ = ["device_lock", "wait_for_lock"]


@contextmanager
def device_lock(clock: Clock, device: Device) -> Iterator[None]:
    """Hold a device's lock while the block runs; it is not recursive.

    Source: include/linux/device.h device_lock(). Rule: R-LOCK-1.
    """
    wait_for_lock(clock, device)
    device.is_locked = True
    try:
        yield
    finally:
        device.is_locked = False


def wait_for_lock(clock: Clock, device: Device) -> None:
    """Wait until no operation holds a device's lock."""
    clock.until(lambda: not device.is_locked)
