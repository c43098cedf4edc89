"""System calls that Python 3.10 has no function for."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct

__all__ = [
    "NEW_MOUNTS",
    "NEW_NETWORK",
    "NEW_PIDS",
    "NEW_USER",
    "NO_DEVICES",
    "NO_EXEC",
    "NO_SETUID",
    "OWN_DIRECTORY",
    "PRIVATE",
    "READ_ONLY",
    "RECURSIVE",
    "attach",
    "bind",
    "bring_up_loopback",
    "detached",
    "die_with_parent",
    "enter",
    "mount",
    "move",
    "prctl",
    "restore_default",
    "system_call",
    "unmount",
    "unshare",
]

OWN_DIRECTORY = 0x00000200
NEW_MOUNTS = 0x00020000
NEW_USER = 0x10000000
NEW_PIDS = 0x20000000
NEW_NETWORK = 0x40000000
"""Flags of ``unshare(2)`` (include/uapi/linux/sched.h)."""

READ_ONLY = 0x1
NO_SETUID = 0x2
NO_DEVICES = 0x4
NO_EXEC = 0x8
_BIND = 0x1000
_MOVE = 0x2000
RECURSIVE = 0x4000
PRIVATE = 0x40000
"""Flags of ``mount(2)`` (include/uapi/linux/mount.h)."""

_DETACH = 0x2
_OPEN_TREE, _MOVE_MOUNT = 428, 429
"""Numbers of system calls, the same on every architecture."""
_AT_FDCWD = -100
_CLONE = 0x1
_FROM_DESCRIPTOR = 0x4
"""AT_FDCWD, OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH."""
_INTERFACE_UP = 0x1
_SET_INTERFACE_FLAGS = 0x8914
"""IFF_UP, SIOCSIFFLAGS (linux/if.h, linux/sockios.h)."""
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, path: str = "") -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path or None)
    return result


def unshare(flags: int) -> None:
    """Unshare namespaces, or a thread's working directory.

    :raises OSError: as ``unshare(2)``.
    """
    _checked(_libc.unshare(flags))


def enter(namespace: int) -> None:
    """Enter a namespace; other processes of it may look at this one.

    :param namespace: descriptor of a file in ``/proc/PID/ns``.
    :raises OSError: as ``setns(2)``.
    """
    _checked(_libc.setns(namespace, 0))
    prctl(_PR_SET_DUMPABLE, 1)


def mount(
    source: str, target: str, kind: str | None, flags: int = 0, options: str = ""
) -> None:
    """Mount a file system.

    :raises OSError: as ``mount(2)``, with the target as file name.
    """
    result = _libc.mount(
        source.encode(errors="surrogateescape"),
        target.encode(errors="surrogateescape"),
        kind and kind.encode(),
        ctypes.c_ulong(flags),
        options.encode() or None,
    )
    _checked(result, target)


def bind(source: str, target: str, flags: int = 0) -> None:
    """Bind mount a file or directory.

    :raises OSError: as ``mount(2)``, with the target as file name.
    """
    mount(source, target, None, _BIND | flags)


def move(source: str, target: str) -> None:
    """Move a mount to another mount point.

    :raises OSError: as ``mount(2)``, with the target as file name.
    """
    mount(source, target, None, _MOVE)


def detached(source: str) -> int:
    """Return a descriptor of a detached bind mount of a directory.

    :raises OSError: as ``open_tree(2)``.
    """
    path = ctypes.create_string_buffer(source.encode())
    pointer = ctypes.c_void_p(ctypes.addressof(path))
    return system_call(_OPEN_TREE, _AT_FDCWD, pointer, _CLONE | os.O_CLOEXEC)


def attach(mount_: int, target: str) -> None:
    """Attach a detached mount to a mount point.

    :raises OSError: as ``move_mount(2)``.
    """
    nothing = ctypes.create_string_buffer(b"")
    path = ctypes.create_string_buffer(target.encode())
    system_call(
        _MOVE_MOUNT,
        mount_,
        ctypes.c_void_p(ctypes.addressof(nothing)),
        _AT_FDCWD,
        ctypes.c_void_p(ctypes.addressof(path)),
        _FROM_DESCRIPTOR,
    )


def unmount(target: str) -> None:
    """Unmount lazily: open files stay usable.

    :raises OSError: as ``umount2(2)``.
    """
    _checked(_libc.umount2(target.encode(), _DETACH), target)


def prctl(option: int, *arguments: int) -> int:
    """Call ``prctl(2)``.

    :raises OSError: as ``prctl(2)``.
    """
    converted = [ctypes.c_ulong(each) for each in arguments]
    return _checked(_libc.prctl(option, *converted))


def restore_default(number: int) -> None:
    """Restore the default action of a signal, from any thread."""
    _libc.signal(number, ctypes.c_void_p(0))


def bring_up_loopback() -> None:
    """Bring up the loopback interface of a new network namespace.

    :raises OSError: as the ``ioctl(2)``.
    """
    request = struct.pack("16sh14x", b"lo", _INTERFACE_UP)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as interfaces:
        fcntl.ioctl(interfaces, _SET_INTERFACE_FLAGS, request)


def die_with_parent() -> None:
    """Kill this process when the thread of its parent ends."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def system_call(number: int, *arguments: int | ctypes.c_void_p) -> int:
    """Make a system call by its number.

    :raises OSError: as the system call.
    """
    converted = [
        each if isinstance(each, ctypes.c_void_p) else ctypes.c_long(each)
        for each in arguments
    ]
    _libc.syscall.restype = ctypes.c_long
    return _checked(int(_libc.syscall(ctypes.c_long(number), *converted)))
