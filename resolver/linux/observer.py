"""What can be observed of a host beside its files: who has or waits for something."""

from __future__ import annotations

import contextlib
import time

from resolver.linux.paths import Places

__all__ = ["Observer"]


class Observer(Places):
    """A host whose processes and interfaces can be asked about."""

    def boot_id(self) -> str | None:
        """Return what tells this boot from every other one, if the host says it.

        Source: Linux, drivers/char/random.c, proc_do_uuid().
        """
        if self._boot_id is None:
            self._boot_id = self.attribute(f"{self.proc}/sys/kernel/random/boot_id")
        return self._boot_id

    def openers(self, node: str) -> list[tuple[int, str]]:
        """Return pid and name of the processes that have a device node open.

        Whoever cares needs the answer for many nodes at a time: it may be a second
        old.

        :param node: name below ``/dev``; in a container it may be elsewhere.
        """
        if not self.is_there(self.proc):
            return []
        now = time.monotonic()
        if self._open_nodes is None or now - self._open_nodes[0] > 1:
            from resolver.linux.users import open_nodes

            self._open_nodes = now, open_nodes(self, self.proc)
        paths = self._open_nodes[1]
        return [one for p in paths if p.endswith(f"/{node}") for one in paths[p]]

    def is_claimed(self, path: str) -> bool:
        """Return whether somebody has a block device for himself."""
        from resolver.linux.users import is_claimed

        return self.is_live and is_claimed(path)

    def ipv4_addresses(self, interface: str) -> tuple[str, ...]:
        """Return the IPv4 addresses of an interface; none where nobody can be asked.

        Most have a route of their own, which ``/proc/net/route`` shows.
        """
        if not self.is_live:
            return ()
        from resolver.linux.users import ipv4_addresses

        with contextlib.suppress(OSError):
            return ipv4_addresses(interface)
        return ()

    def waiting(self, pid: int) -> tuple[str, str]:
        """Return the state of a process, one letter, and where in the kernel it waits.

        The place is empty where the kernel does not say it, the state is ``?``.

        Source: proc(5), ``/proc/PID/stat`` and ``/proc/PID/wchan``.
        """
        stat = self._of_process(pid, "stat").rpartition(")")[2].split()
        place = self._of_process(pid, "wchan").strip()
        return stat[0] if stat else "?", "" if place == "0" else place

    def _of_process(self, pid: int, name: str) -> str:
        with contextlib.suppress(OSError):
            return self.attribute(f"{self.proc}/{pid}/{name}") or ""
        return ""
