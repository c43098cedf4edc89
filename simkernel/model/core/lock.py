"""``device_lock()``: a device is bound, released and reconfigured by one at a time.

Only operations that take time make a difference: whoever comes meanwhile waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simkernel.model.core.device import Device
    from simkernel.model.kernel import Kernel

__all__ = ["device_lock", "wait_for_lock"]


@contextmanager
def device_lock(kernel: Kernel, device: Device) -> Iterator[None]:
    """Hold a device's lock while the block runs; it cannot be taken twice.

    Source: include/linux/device.h device_lock(). Rule: R-LOCK-1.
    """
    wait_for_lock(kernel, device)
    device.is_locked = True
    try:
        yield
    finally:
        device.is_locked = False


def wait_for_lock(kernel: Kernel, device: Device) -> None:
    """Wait until nobody holds a device's lock."""
    kernel.clock.until(lambda: not device.is_locked)
