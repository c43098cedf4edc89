"""The simulated kernel in a test: ``sim.kernel``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simkernel.model.core.uevent import Uevent

__all__ = ["SimKernel"]

_POLL_S = 0.01
"""Time between two checks for an event, in seconds."""


class SimKernel:
    """Queries a host's kernel, and changes it.

    Devices have the names of their bus; ``0000:`` may be omitted.

    :param call: calls a method of the host's controls under the kernel lock.
    """

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._call = ask

    # ---- queries

    def read(self, path: str) -> str:
        """Return the text of a file below ``/sys``, ``/proc`` or ``/dev``.

        For a directory, return the names in it, one per line.

        :raises UsageError: no such path, or it is not readable.
        """
        return str(self._call("read", path))

    def driver_of(self, device: str) -> str | None:
        """Return the name of a device's driver; None: it has none.

        :raises UsageError: the host has no such device.
        """
        name: str | None = self._call("driver_of", device)
        return name

    def group_of(self, device: str) -> int | None:
        """Return the number of a device's IOMMU group; None: it has none.

        :raises UsageError: the host has no such device.
        """
        number: int | None = self._call("group_of", device)
        return number

    @property
    def devices(self) -> list[str]:
        """Names of the devices of all buses, oldest first."""
        names: list[str] = self._call("devices")
        return names

    @property
    def modules(self) -> list[str]:
        """Names of the loaded modules, oldest first, without built-in ones."""
        names: list[str] = self._call("modules")
        return names

    @property
    def writes(self) -> int:
        """Number of writes to sysfs so far, refused ones included."""
        return int(self._call("writes"))

    @property
    def events(self) -> list[Uevent]:
        """The uevents since boot."""
        events: list[Uevent] = self._call("events")
        return events

    def wait_for_event(
        self,
        action: str,
        devpath: str,
        timeout: float = 5.0,
        *,
        after: Uevent | None = None,
    ) -> Uevent:
        """Return the first matching uevent; wait for it if necessary.

        :param action: ``add``, ``remove``, ``bind``, ``unbind``, ``change``, ...
        :param devpath: the event's path below ``/sys``, in which ``*`` matches any
            text, or its last component, such as ``0000:3b:00.2``.
        :param timeout: maximum time to wait, in seconds.
        :param after: an event; only later ones match.
        :raises AssertionError: no such event in time; the message lists the others.
        """
        last = 0 if after is None else after.seqnum
        end = time.monotonic() + timeout
        while True:
            found: Uevent | None = self._call("find_event", action, devpath, last)
            if found is not None:
                return found
            if time.monotonic() >= end:
                break
            time.sleep(_POLL_S)
        came = [f"  {one.action}@{one.devpath}" for one in self.events]
        raise AssertionError(
            f"no event {action}@{devpath} within {timeout} s; events so far:\n"
            + ("\n".join(came) or "  none")
        )

    # ---- changes

    def write(self, path: str, text: str) -> None:
        """Write to a file below ``/sys``, as another process of root.

        The write does not count in ``writes``, and injected faults do not affect it.

        :raises UsageError: no such file, or it is not writable.
        :raises OSError: the kernel refuses the write.
        """
        self._call("write", path, text)

    def hotplug(self, address: str, **device: Any) -> None:
        """Plug a PCI function in; the kernel finds it at once.

        :param address: PCI address such as ``0000:3b:01.0``.
        :param device: keys of ``devices`` in a scenario, such as ``id="15b3:101e"``;
            ``class`` is spelled ``class_``. Without any, an unplugged function
            returns.
        :raises UsageError: the address is in use, or a value is invalid.
        """
        self._call("hotplug", address, device)

    def unplug(self, device: str) -> None:
        """Unplug a PCI function; the kernel removes it from its driver.

        :raises UsageError: the host has no such function.
        """
        self._call("unplug", device)

    def inject(
        self,
        errno: str = "",
        *,
        at_write: int = 1,
        remove: str = "",
        path: str = "",
        data: str = "",
    ) -> None:
        """Inject a fault into a later write to the host's sysfs.

        :param errno: name of the errno that the write fails with, such as ``EIO``.
        :param at_write: number of the write, from now; 1 is the next one.
        :param remove: PCI device that vanishes just before the write.
        :param path: file that another process writes just before the write.
        :param data: text of that other write.
        :raises UsageError: a value is invalid.
        """
        self._call("inject", at_write, errno, remove, path, data)
