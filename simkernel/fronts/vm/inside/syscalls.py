"""System calls missing in Python's ``os``; each raises ``OSError``."""

from __future__ import annotations

import ctypes
import os
from errno import EOPNOTSUPP

__all__ = [
    "bind",
    "delete_module",
    "finit_module",
    "mount",
    "move_mount",
    "power_off",
    "unmount",
]

_MS_BIND, _MS_MOVE, _MNT_DETACH = 0x1000, 0x2000, 2
_INIT_MODULE, _FINIT_MODULE, _DELETE_MODULE = 175, 313, 176  # numbers on x86-64
_MODULE_INIT_COMPRESSED_FILE = 4
_RB_POWER_OFF = 0x4321FEDC

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def mount(kind: str, source: str, target: str, options: str = "") -> None:
    """Mount a file system of a type such as ``tmpfs``."""
    words = [os.fsencode(one) for one in (source, target, kind)]
    _checked(_libc.mount(*words, ctypes.c_ulong(0), os.fsencode(options)), target)


def bind(source: str, target: str) -> None:
    """Bind-mount a directory or file at another path."""
    words = os.fsencode(source), os.fsencode(target)
    _checked(_libc.mount(*words, b"", ctypes.c_ulong(_MS_BIND), b""), target)


def move_mount(source: str, target: str) -> None:
    """Move a mount to another path."""
    words = os.fsencode(source), os.fsencode(target)
    _checked(_libc.mount(*words, b"", ctypes.c_ulong(_MS_MOVE), b""), target)


def unmount(target: str) -> None:
    """Unmount a file system lazily: open files stay usable."""
    _checked(_libc.umount2(os.fsencode(target), _MNT_DETACH), target)


def finit_module(path: str, parameters: str) -> None:
    """Load a module from its file, compressed or not, without its dependencies."""
    flags = 0 if path.endswith(".ko") else _MODULE_INIT_COMPRESSED_FILE
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        words = os.fsencode(parameters)
        _checked(_libc.syscall(_FINIT_MODULE, file, words, flags), path)
    except OSError as error:
        if not flags or error.errno != EOPNOTSUPP:
            raise
        _init_module(path, words)  # this kernel cannot decompress modules
    finally:
        os.close(file)


def _init_module(path: str, words: bytes) -> None:
    """Load a module compressed with xz."""
    import lzma

    with lzma.open(path) as file:
        image = file.read()
    length = ctypes.c_ulong(len(image))
    _checked(_libc.syscall(_INIT_MODULE, image, length, words), path)


def delete_module(name: str) -> None:
    """Unload a module; fails at once if it is in use."""
    _checked(_libc.syscall(_DELETE_MODULE, os.fsencode(name), os.O_NONBLOCK), name)


def power_off() -> None:
    """Power the guest off."""
    _libc.reboot(ctypes.c_uint(_RB_POWER_OFF))
