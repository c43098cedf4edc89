"""What the fuse tier needs of a machine, and what to do where it is not there."""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import os

from simkernel.errors import SimkernelError

__all__ = ["UnavailableError", "failure", "find_library"]

_LIBRARIES = ("libfuse3.so.3", "libfuse3.so.4")
_NO_NAMESPACES = {
    errno.EPERM: "the kernel or a container forbids user namespaces: as an ordinary "
    "user, set the sysctl kernel.unprivileged_userns_clone=1 (Debian) or "
    "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), or become root; in a "
    "container, start it with --privileged",
    errno.EACCES: "user namespaces are there but without rights: set the sysctl "
    "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), or become root",
    errno.ENOSPC: "set the sysctl user.max_user_namespaces to 1000 or more",
    errno.EINVAL: "the kernel needs CONFIG_USER_NS",
}
_HINTS: dict[str, dict[int, str]] = {
    "move into a user namespace": _NO_NAMESPACES,
    "move into mount and pid namespaces": _NO_NAMESPACES,
    "keep mounts to itself": _NO_NAMESPACES,
    "open /dev/fuse": {
        errno.ENOENT: "load the module fuse (modprobe fuse); in a container, start it "
        "with --device /dev/fuse",
        errno.ENODEV: "load the module fuse (modprobe fuse)",
        errno.EACCES: "give this user the right to read and write /dev/fuse "
        "(chmod 666 /dev/fuse)",
        errno.EPERM: "start the container with --device /dev/fuse",
    },
    "mount a FUSE file system": {
        errno.EPERM: "the kernel must be 4.18 or newer; in a container, start it with "
        "--privileged",
        errno.ENODEV: "load the module fuse (modprobe fuse)",
    },
    "mount /proc": {
        errno.EPERM: "a container hides parts of /proc: start it with --privileged, or "
        "Docker with --security-opt systempaths=unconfined",
    },
    "trap system calls": {
        errno.EINVAL: "the kernel must be 5.5 or newer, with CONFIG_SECCOMP_FILTER",
        errno.EBUSY: "this process is watched through seccomp already: run it outside "
        "of whatever watches it",
    },
}
_OTHERWISE = "--via vm or --via fakefs may do instead"


class UnavailableError(SimkernelError):
    """The fuse tier cannot work here, by no fault of the command's.

    :param what: what was tried, and what happened.
    :param hint: what to do.
    """

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what, hint=hint)


def failure(step: str, number: int) -> UnavailableError:
    """Return the error for a step that failed while the namespaces were made.

    :param step: what was tried, as the inside says it.
    :param number: errno.
    """
    hint = _HINTS.get(step, {}).get(number, _OTHERWISE)
    return UnavailableError(
        f"the fuse tier could not {step}: {os.strerror(number)}", hint
    )


def find_library() -> ctypes.CDLL:
    """Return libfuse 3, and see to it that mfusepy can be imported, with that library.

    :raises UnavailableError: one of them is not there.
    """
    if importlib.util.find_spec("mfusepy") is None:
        raise UnavailableError(
            "the fuse tier needs the Python package mfusepy, which is not there",
            "pip install 'simkernel[fuse]'",
        )
    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        # By itself mfusepy asks compilers and linkers, and takes libfuse 2 first.
        os.environ.setdefault("FUSE_LIBRARY_PATH", name)
        return library
    raise UnavailableError(
        "the fuse tier needs the library libfuse 3, which is not there",
        "install it (Debian: apt-get install libfuse3-3)",
    )
