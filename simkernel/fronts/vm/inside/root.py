"""The guest's file systems: the host's files, changed only in the guest's memory.

The first root is the host's, read-only. An overlay puts a file system in memory over
it, and becomes the root: whatever is written is gone with the guest.
"""

from __future__ import annotations

import os

from simkernel.fronts.vm.inside import system

__all__ = ["build_root"]

_MEMORY = "/run"
"""Where the first root has room for the overlay: the host's ``/run`` is not shown."""


def build_root() -> None:
    """Make the overlay the root and mount what belongs to a running system."""
    system.mount("proc", "proc", "/proc")
    system.mount("tmpfs", "memory", _MEMORY)
    for name in ("upper", "work", "root"):
        os.mkdir(f"{_MEMORY}/{name}")
    layers = f"lowerdir=/,upperdir={_MEMORY}/upper,workdir={_MEMORY}/work,xino=off"
    system.mount("overlay", "overlay", f"{_MEMORY}/root", layers)
    os.chdir(f"{_MEMORY}/root")
    system.move_mount(".", "/")
    os.chroot(".")
    _mount_system()


def _mount_system() -> None:
    for kind, place in (
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("devtmpfs", "/dev"),
        ("tmpfs", "/run"),
    ):
        system.mount(kind, kind, place)
    for place in ("/dev/pts", "/dev/shm", "/run/lock"):  # noqa: S108  # where they belong
        os.makedirs(place, exist_ok=True)
    system.mount("devpts", "devpts", "/dev/pts", "mode=620,ptmxmode=666")
    system.mount("tmpfs", "tmpfs", "/dev/shm")  # noqa: S108  # where it belongs
    for name, target in (
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ):
        os.symlink(target, f"/dev/{name}")
