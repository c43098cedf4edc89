"""Processes, interfaces and open files of a host."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Literal

from resolver.linux.paths import Places

if TYPE_CHECKING:
    from resolver.linux.open_files import DeviceNumber, OpenFiles

__all__ = ["Observer"]

_FRESH_S = 2.0
"""How long a list of open files is used. Each worker process would make its own."""


class Observer(Places):
    """A host with access to its processes and interfaces."""

    def boot_id(self) -> str | None:
        """Return the id of this boot; ``None`` if the host does not show it.

        Source: Linux, drivers/char/random.c, proc_do_uuid().
        """
        if self._boot_id is None:
            self._boot_id = self.attribute(f"{self.proc}/sys/kernel/random/boot_id")
        return self._boot_id

    def inode(self, path: str) -> int | None:
        """Return the inode number of a file or directory, links followed.

        ``None`` if it is missing. A captured host has copies, with other numbers.
        """
        if not self.is_live:
            return None
        with contextlib.suppress(OSError):
            return os.stat(path).st_ino
        return None

    def open_files(self) -> OpenFiles:
        """Return which processes have which files open, at most two seconds ago."""
        from resolver.linux.open_files import OpenFiles, read_open_files

        if not self.is_there(self.proc):
            return OpenFiles()
        now = time.monotonic()
        if self._open_files is None or now - self._open_files[0] > _FRESH_S:
            self._open_files = (
                now,
                read_open_files(self, self.proc, is_live=self.is_live),
            )
        return self._open_files[1]

    def openers(
        self, node: str, number: DeviceNumber | None = None
    ) -> list[tuple[int, str]]:
        """Return pid and name of the processes that have a device open.

        The number says which device a node is. The path decides only for open files
        whose number is not known, as on a captured host.

        :param node: name of its node below ``/dev``.
        :param number: its number; ``None``: that of the node, if there is one.
        """
        if number is None and self.is_live:
            from resolver.linux.open_files import number_of

            number = number_of(f"{self.dev}/{node}")
        users = self.open_files().users_of_device(number, f"/dev/{node}")
        return [(process.pid, process.name) for process in users]

    def is_claimed(self, node: str, number: tuple[int, int]) -> bool | None:
        """Return whether a block device is claimed; ``None``: that is not known.

        :param node: name of its node below ``/dev``.
        :param number: its major and minor.
        """
        if not self.is_live:
            return None
        from resolver.linux.users import is_claimed

        return is_claimed(f"{self.dev}/{node}", number)

    def hides(self, what: Literal["processes", "interfaces"]) -> bool:
        """Return whether a namespace hides processes or interfaces of the host.

        Process 2 is the kernel's kthreadd, which only the first PID namespace has.

        Source: Linux, init/main.c, rest_init(); pid_namespaces(7),
        network_namespaces(7).
        """
        if not self.is_live or not self.is_there(f"{self.proc}/self/ns/pid"):
            return False
        if self._of_process(2, "comm").strip() != "kthreadd":
            return True
        if what == "processes":
            return False
        first, own = (
            self.link_name(f"{self.proc}/{one}/ns/net") for one in ("1", "self")
        )
        return None not in (first, own) and first != own

    def is_root(self) -> bool:
        """Return whether this process has the user id 0."""
        return os.geteuid() == 0

    def ipv4_addresses(self, interface: str) -> tuple[str, ...]:
        """Return the IPv4 addresses of an interface; none without an answer.

        ``/proc/net/route`` also shows most of them as routes.
        """
        if not self.is_live:
            return ()
        from resolver.linux.users import ipv4_addresses

        with contextlib.suppress(OSError):
            return ipv4_addresses(interface)
        return ()

    def waiting(self, pid: int) -> tuple[str, str]:
        """Return state and wait channel of a process.

        The state is one letter; the wait channel is a function of the kernel.
        An unknown state is ``?``, an unknown function is empty.

        Source: proc(5), ``/proc/PID/stat`` and ``/proc/PID/wchan``.
        """
        stat = self._of_process(pid, "stat").rpartition(")")[2].split()
        place = self._of_process(pid, "wchan").strip()
        return stat[0] if stat else "?", "" if place == "0" else place

    def _of_process(self, pid: int, name: str) -> str:
        with contextlib.suppress(OSError):
            return self.attribute(f"{self.proc}/{pid}/{name}") or ""
        return ""
