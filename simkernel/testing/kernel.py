"""The simulated kernel as a test sees it: ``sim.kernel``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simkernel.model.core.uevent import Uevent

__all__ = ["SimKernel"]

_POLL_S = 0.01
"""Seconds between two looks at the events while waiting for one."""


class SimKernel:
    """Looks at a host's kernel, and interferes with what runs on it.

    Devices are named as their bus names them; ``0000:`` may be left out.

    :param ask: carries out a method of the host's controls, when no program is at it.
    """

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask

    # ---- look

    def read(self, path: str) -> str:
        """Return the text of a file below ``/sys``, ``/proc`` or ``/dev``.

        Of a directory it is the names in it, one a line.

        :raises UsageError: there is none, or it cannot be read.
        """
        return str(self._ask("read", path))

    def driver_of(self, device: str) -> str | None:
        """Return the name of a device's driver, None while it has none.

        :raises UsageError: the host has no such device.
        """
        name: str | None = self._ask("driver_of", device)
        return name

    def group_of(self, device: str) -> int | None:
        """Return the number of a device's IOMMU group, None if it has none.

        :raises UsageError: the host has no such device.
        """
        number: int | None = self._ask("group_of", device)
        return number

    @property
    def devices(self) -> list[str]:
        """Names of the devices of all buses, in the order in which they came."""
        names: list[str] = self._ask("devices")
        return names

    @property
    def modules(self) -> list[str]:
        """Names of the loaded modules, oldest first; built-in ones are none."""
        names: list[str] = self._ask("modules")
        return names

    @property
    def writes(self) -> int:
        """Number of writes to sysfs so far, refused ones too."""
        return int(self._ask("writes"))

    @property
    def events(self) -> list[Uevent]:
        """The uevents since the host was up."""
        events: list[Uevent] = self._ask("events")
        return events

    def wait_for_event(
        self,
        action: str,
        devpath: str,
        timeout: float = 5.0,
        *,
        after: Uevent | None = None,
    ) -> Uevent:
        """Return the first uevent of a kind; wait for it if need be.

        :param action: ``add``, ``remove``, ``bind``, ``unbind``, ``change``, ...
        :param devpath: the event's path below ``/sys``, in which ``*`` stands for
            anything; or the last name of it, such as ``0000:3b:00.2``.
        :param timeout: seconds to wait.
        :param after: only an event that came later than this one.
        :raises AssertionError: there was none in time; the message has what came.
        """
        last = 0 if after is None else after.seqnum
        end = time.monotonic() + timeout
        while True:
            found: Uevent | None = self._ask("find_event", action, devpath, last)
            if found is not None:
                return found
            if time.monotonic() >= end:
                break
            time.sleep(_POLL_S)
        came = [f"  {one.action}@{one.devpath}" for one in self.events]
        raise AssertionError(
            f"no event {action}@{devpath} within {timeout} s; there were:\n"
            + ("\n".join(came) or "  none")
        )

    # ---- interfere

    def write(self, path: str, text: str) -> None:
        """Write to a file below ``/sys``, as another process of root's does.

        It is not counted among the writes, and meets no injected failure.

        :raises UsageError: no such file, or none to be written.
        :raises OSError: as the kernel refuses it.
        """
        self._ask("write", path, text)

    def hotplug(self, address: str, **device: Any) -> None:
        """Plug a PCI function in; the kernel finds it at once.

        :param address: like ``0000:3b:01.0``.
        :param device: as under ``devices`` in a scenario, such as ``id="15b3:101e"``;
            ``class`` is written ``class_``. With none of them, a function that was
            unplugged comes back.
        :raises UsageError: it cannot be, and why.
        """
        self._ask("hotplug", address, device)

    def unplug(self, device: str) -> None:
        """Take a PCI function away; its driver has to let go of it.

        :raises UsageError: the host has no such function.
        """
        self._ask("unplug", device)

    def inject(
        self,
        errno: str = "",
        *,
        at_write: int = 1,
        remove: str = "",
        path: str = "",
        data: str = "",
    ) -> None:
        """Let something go wrong when the host's sysfs is written to.

        :param errno: the write is refused so, such as ``EIO``.
        :param at_write: 1 is the next write from now, 2 the one after it, ...
        :param remove: this PCI device vanishes just before the write.
        :param path: another process writes to this file just before ...
        :param data: ... this text.
        :raises UsageError: it cannot be, and why.
        """
        self._ask("inject", at_write, errno, remove, path, data)
