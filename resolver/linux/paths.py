"""Directories of a host, and its kernel release."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from resolver.errors import UsageError
from resolver.linux.reading import Files

if TYPE_CHECKING:
    from resolver.linux.deadline import SlowCalls
    from resolver.linux.locks import Locks
    from resolver.linux.open_files import OpenFiles

__all__ = ["MODPROBE_D", "MODULES", "Places"]

MODULES = (
    "/run/booted-system/kernel-modules/lib/modules",
    "/run/current-system/kernel-modules/lib/modules",
    "/lib/modules",
    "/usr/lib/modules",
)
"""Directories of kernel releases, in the order in which modprobe looks.

Source: NixOS, pkgs/os-specific/linux/kmod/module-dir.patch; kmod, the build option
``module_directory``.
"""
MODPROBE_D = (
    "/usr/local/lib/modprobe.d",
    "/usr/lib/modprobe.d",
    "/lib/modprobe.d",
)
"""Directories of packages' configuration. Source: modprobe.d(5)."""
_INDEXES = ("modules.dep", "modules.alias")
"""Files of depmod; without them, modprobe finds nothing in a directory."""


class Places(Files):
    """A Linux host, running or captured.

    :param sys: directory of sysfs; likewise ``proc``, ``etc``, ``run`` and ``dev``.
    :param modules: directories with a directory for each kernel release, in the order
        in which modprobe looks.
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
        modules: tuple[str, ...] = MODULES,
        etc: str = "/etc",
        run: str = "/run",
        dev: str = "/dev",
        modprobe_d: tuple[str, ...] = MODPROBE_D,
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
        self._answers: dict[object, tuple[float, object]] = {}
        self._open_files: tuple[float, OpenFiles] | None = None

    def at(self, path: str) -> str:
        """Return the path of a file of this host.

        :param path: absolute path on a running host.
        """
        return f"{self._root}{path}"

    def release(self) -> str | None:
        """Return the kernel release.

        A captured host has it in ``/proc/sys/kernel/osrelease``; without that file, it
        is the only release with modules. ``None``: there is none.

        :raises UsageError: a captured host has several.
        """
        if self.is_live:
            return os.uname().release
        captured = self.attribute(f"{self.proc}/sys/kernel/osrelease")
        if captured:
            return captured
        releases = self.releases()
        if len(releases) > 1:
            raise UsageError(
                f"several kernels in {self.modules[0]}: {', '.join(releases)}",
                hint="pass --kernel RELEASE",
            )
        return releases[0] if releases else None

    def is_at_least(self, *version: int) -> bool:
        """Return whether the kernel is this version or later; True if unknown.

        Distributions backport: prefer a test for the feature itself.
        """
        try:
            release = self.release() or ""
        except UsageError:
            release = ""  # A captured host has several kernels.
        found = re.match(r"([0-9]+)\.([0-9]+)", release)
        return found is None or (int(found[1]), int(found[2])) >= version

    def releases(self) -> tuple[str, ...]:
        """Return the kernel releases that have modules on this host, sorted."""
        names = {name for place in self.modules for name in self.names(place)}
        return tuple(sorted(names))

    def module_directory(self, release: str) -> str:
        """Return the directory in which modprobe looks for a kernel's modules.

        It may be missing, as after an upgrade that removed the running kernel.
        """
        paths = [f"{place}/{release}" for place in self.modules]
        for path in paths:
            if self._is_indexed(path):
                return path
        there = [path for path in paths if self.is_there(path)]
        return (there or paths[-2:])[0]

    def is_installed(self, release: str) -> bool:
        """Return whether a kernel's modules are there, with depmod's files."""
        return self._is_indexed(self.module_directory(release))

    def _is_indexed(self, path: str) -> bool:
        return any(self.is_there(f"{path}/{one}") for one in _INDEXES)
