"""The guest's first process: mounts file systems, starts the agent, powers off.

The first root is the host's file system, read-only. An overlay in memory covers it and
becomes the root, so every change is lost with the guest.
"""

from __future__ import annotations

import os

from simkernel.fronts.vm.inside import syscalls
from simkernel.fronts.vm.inside.agent import serve

__all__ = ["main"]

_OVERLAY = "/run"
"""Where the overlay's layers are mounted on the first root; hides the host's /run."""


def main() -> None:
    """Run the agent, and power off when it ends.

    Errors are written to the console, where the host reads them.
    """
    try:
        _build_root()
        agent = os.fork()
        if agent == 0:
            _run_agent()
        while os.wait()[0] != agent:  # reaps orphans, too
            pass
    except BaseException:
        _print_exception()
    syscalls.power_off()


def _run_agent() -> None:
    try:
        serve()
    except BaseException:
        _print_exception()
    os._exit(1)


def _print_exception() -> None:
    """Write the current exception to the console."""
    import traceback  # slow to import, and seldom needed

    traceback.print_exc()


def _build_root() -> None:
    """Make the overlay the root, and mount the usual file systems."""
    syscalls.mount("proc", "proc", "/proc")
    syscalls.mount("tmpfs", "memory", _OVERLAY)
    for name in ("upper", "work", "root"):
        os.mkdir(f"{_OVERLAY}/{name}")
    layers = f"lowerdir=/,upperdir={_OVERLAY}/upper,workdir={_OVERLAY}/work,xino=off"
    syscalls.mount("overlay", "overlay", f"{_OVERLAY}/root", layers)
    os.chdir(f"{_OVERLAY}/root")
    syscalls.move_mount(".", "/")
    os.chroot(".")
    _mount_file_systems()


def _mount_file_systems() -> None:
    for kind, mount_point in (
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("devtmpfs", "/dev"),
        ("tmpfs", "/run"),
    ):
        syscalls.mount(kind, kind, mount_point)
    for path in ("/dev/pts", "/dev/shm", "/run/lock"):  # noqa: S108  # mount points
        os.makedirs(path, exist_ok=True)
    syscalls.mount("devpts", "devpts", "/dev/pts", "mode=620,ptmxmode=666")
    syscalls.mount("tmpfs", "tmpfs", "/dev/shm")  # noqa: S108  # a mount point
    for name, target in (
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ):
        os.symlink(target, f"/dev/{name}")
