"""Where things are on a host."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from resolver.errors import UsageError
from resolver.linux.reading import Files

if TYPE_CHECKING:
    from resolver.linux.deadline import Patience
    from resolver.linux.locks import Locks
    from resolver.linux.open_files import OpenFiles

__all__ = ["Places"]


class Places(Files):
    """A Linux host, or what was captured of one.

    :param sys: where sysfs is; likewise ``proc``, ``etc``, ``run`` and ``dev``.
    :param modules: the directory with one directory for each kernel release.
    :param modprobe_d: directories of modprobe's configuration, the first one with
        a file of some name hides that file in the later ones.
    :param udev_rules: directories of udev's rules, which hide files likewise.
    :param is_live: this is the running host; another one is only read.
    :param root: directory that no link leads out of; empty: there is none.
    """

    def __init__(
        self,
        *,
        sys: str = "/sys",
        proc: str = "/proc",
        modules: str = "/lib/modules",
        etc: str = "/etc",
        run: str = "/run",
        dev: str = "/dev",
        modprobe_d: tuple[str, ...] = ("/usr/local/lib/modprobe.d", "/lib/modprobe.d"),
        udev_rules: tuple[str, ...] = ("/usr/lib/udev/rules.d", "/lib/udev/rules.d"),
        is_live: bool = True,
        root: str = "",
    ) -> None:
        super().__init__(root)
        self.sys = sys
        self.proc = proc
        self.modules = modules
        self.modprobe_d = (f"{etc}/modprobe.d", f"{run}/modprobe.d", *modprobe_d)
        self.udev_rules = (
            f"{etc}/udev/rules.d",
            f"{run}/udev/rules.d",
            *udev_rules,
        )
        self.etc = etc
        self.run = run
        self.dev = dev
        self.journal = f"{run}/resolver"
        self.is_live = is_live
        self._locks: Locks | None = None
        self._patience: Patience | None = None
        self._boot_id: str | None = None
        self._open_files: tuple[float, OpenFiles] | None = None

    def at(self, path: str) -> str:
        """Return where a file of the host is that has one place on all of them.

        :param path: absolute, as on the running host.
        """
        return f"{self._root}{path}"

    def release(self) -> str | None:
        """Return the kernel release; of a captured host, the only one it has.

        ``None`` where a captured host has no kernel at all.

        :raises UsageError: a captured host has several.
        """
        if self.is_live:
            return os.uname().release
        releases = self.names(self.modules)
        if len(releases) > 1:
            raise UsageError(
                f"{self.modules} has several kernels: {', '.join(releases)}",
                hint="say which one with --kernel RELEASE",
            )
        return releases[0] if releases else None
