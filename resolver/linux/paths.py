"""Directories of a host, and its kernel release."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from resolver.errors import UsageError
from resolver.linux.reading import Files

if TYPE_CHECKING:
    from resolver.linux.deadline import SlowCalls
    from resolver.linux.locks import Locks
    from resolver.linux.open_files import OpenFiles

__all__ = ["Places"]


class Places(Files):
    """A Linux host, running or captured.

    :param sys: directory of sysfs; likewise ``proc``, ``etc``, ``run`` and ``dev``.
    :param modules: directory with a directory for each kernel release.
    :param modprobe_d: directories of modprobe's configuration after those in ``etc``
        and ``run``. A file hides files of the same name in later directories.
    :param udev_rules: likewise, directories of udev rules.
    :param is_live: the host is the running one; a captured host is only read.
    :param root: directory that links cannot leave; empty for no limit.
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
        self._slow_calls: SlowCalls | None = None
        self._boot_id: str | None = None
        self._open_files: tuple[float, OpenFiles] | None = None

    def at(self, path: str) -> str:
        """Return the path of a file of this host.

        :param path: absolute path on a running host.
        """
        return f"{self._root}{path}"

    def release(self) -> str | None:
        """Return the kernel release; ``None`` without a kernel.

        :raises UsageError: a captured host has several.
        """
        if self.is_live:
            return os.uname().release
        releases = self.names(self.modules)
        if len(releases) > 1:
            raise UsageError(
                f"{self.modules} has several kernels: {', '.join(releases)}",
                hint="select one with --kernel RELEASE",
            )
        return releases[0] if releases else None
