"""The kernel lock.

One thread at a time uses the simulated kernel. A thread that sleeps on the kernel's
clock releases the lock meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from errno import EIO

from simkernel.model.kernel import Kernel

__all__ = ["KernelLock"]


class KernelLock:
    """The kernel lock. Use it as a context manager for reads.

    :param kernel: its clock follows real time from now on.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._lock = threading.Lock()
        self._shut_down = threading.Event()
        self._timer: threading.Timer | None = None
        self.on_change: Callable[[], None] = lambda: None
        """Called with the lock held, before other threads see what changed."""
        self.while_sleeping: Callable[[], AbstractContextManager[None]] = nullcontext
        """Context that a thread enters while it sleeps on the clock."""
        kernel.clock.run(time.monotonic, self._sleep)

    def __enter__(self) -> None:
        """Acquire the lock for a read."""
        self._lock.acquire()

    def __exit__(self, *unused: object) -> None:
        """Release the lock."""
        self._lock.release()

    @contextmanager
    def change(self) -> Iterator[Kernel]:
        """Hold the lock for an operation that may change the kernel."""
        with self._lock:
            try:
                yield self._kernel
            finally:
                self.on_change()
                self._set_timer()

    def shut_down(self) -> None:
        """Wake all sleeping threads, whose operations then fail."""
        self._shut_down.set()
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()

    def _sleep(self, seconds: float) -> None:
        """Release the lock, sleep, and acquire it again.

        :raises OSError: EIO, the host is shutting down.
        """
        self.on_change()
        self._lock.release()
        try:
            with self.while_sleeping():
                is_shut_down = self._shut_down.wait(seconds)
        finally:
            self._lock.acquire()
        if is_shut_down:
            raise OSError(EIO, "the simulated host is shutting down")

    def _set_timer(self) -> None:
        """Set a timer for the kernel's next deferred work."""
        due = self._kernel.clock.next_due
        if due is None or self._shut_down.is_set():
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(max(0.0, due - time.monotonic()), self._tick)
        self._timer.daemon = True
        self._timer.start()

    def _tick(self) -> None:
        with self.change() as kernel:
            kernel.clock.tick()
