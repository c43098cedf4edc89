"""Requirements of the fuse tier, with hints."""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import os

from simkernel.errors import SimkernelError

__all__ = ["UnavailableError", "failure", "find_library"]

_LIBRARIES = ("libfuse3.so.3", "libfuse3.so.4")
_NO_NAMESPACES = {
    errno.EPERM: "run as root, or run sysctl kernel.unprivileged_userns_clone=1 "
    "(Debian) or sysctl kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); start "
    "a container with --privileged",
    errno.EACCES: "run as root, or run "
    "sysctl kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu)",
    errno.ENOSPC: "run sysctl user.max_user_namespaces=1000",
    errno.EINVAL: "boot a kernel with CONFIG_USER_NS",
}
_HINTS: dict[str, dict[int, str]] = {
    "create a user namespace": _NO_NAMESPACES,
    "create mount and PID namespaces": _NO_NAMESPACES,
    "make mounts private": _NO_NAMESPACES,
    "open /dev/fuse": {
        errno.ENOENT: "run modprobe fuse; start a container with --device /dev/fuse",
        errno.ENODEV: "run modprobe fuse",
        errno.EACCES: "run chmod 666 /dev/fuse as root",
        errno.EPERM: "start the container with --device /dev/fuse",
    },
    "mount a FUSE file system": {
        errno.EPERM: "use Linux 4.18 or newer; start a container with --privileged",
        errno.ENODEV: "run modprobe fuse",
    },
    "mount /proc": {
        errno.EPERM: "start the container with --privileged, or Docker with "
        "--security-opt systempaths=unconfined",
    },
    "trap system calls": {
        errno.EINVAL: "use Linux 5.5 or newer with CONFIG_SECCOMP_FILTER",
        errno.EBUSY: "run it outside the sandbox that already traps system calls",
    },
}
_DEFAULT_HINT = "use --via vm or --via fakefs"


class UnavailableError(SimkernelError):
    """The machine does not support the fuse tier.

    :param message: what failed, and the reason.
    :param hint: the command that helps.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint=hint)


def failure(step: str, number: int) -> UnavailableError:
    """Return the error for a failed step of making the namespaces.

    :param step: name of the step, as ``inside/steps.py`` reports it.
    :param number: errno.
    """
    hint = _HINTS.get(step, {}).get(number, _DEFAULT_HINT)
    return UnavailableError(f"the fuse tier cannot {step}: {os.strerror(number)}", hint)


def find_library() -> ctypes.CDLL:
    """Load libfuse 3, and make mfusepy use it.

    :raises UnavailableError: mfusepy or libfuse 3 is not installed.
    """
    if importlib.util.find_spec("mfusepy") is None:
        raise UnavailableError(
            "the fuse tier needs the Python package mfusepy, which is not installed",
            "run pip install 'simkernel[fuse]'",
        )
    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        # On its own, mfusepy runs compilers and linkers, and prefers libfuse 2.
        os.environ.setdefault("FUSE_LIBRARY_PATH", name)
        return library
    raise UnavailableError(
        "the fuse tier needs the library libfuse 3, which is not installed",
        "run apt-get install libfuse3-3 (Debian)",
    )
