"""What the kernel answers to the module system calls of the programs on it."""

from __future__ import annotations

from errno import EINVAL
from typing import Any

from simkernel.fronts.fuse.turn import Turn
from simkernel.kmod.module_file import uncompressed
from simkernel.kmod.syscalls import KernelSyscalls

__all__ = ["ModuleCalls"]

_COMPRESSED = 4
"""MODULE_INIT_COMPRESSED_FILE (include/uapi/linux/module.h)."""


class ModuleCalls:
    """Carries the calls out, each when it is its turn."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    def carry_out(self, call: dict[str, Any], image: int | None) -> int:
        """Carry one call out and return its errno, 0 if it succeeded.

        :param call: with ``parameters`` and ``flags``, or with the ``name`` of what is
            to go.
        :param image: descriptor of the module to insert.
        """
        try:
            data = b"" if image is None else _content(image, call["flags"])
            with self._turn.changing() as kernel:
                calls = KernelSyscalls(kernel)
                if image is None:
                    calls.delete_module(call["name"], force=False)
                else:
                    calls.init_module(data, call["parameters"])
                kernel.after_operation()
        except OSError as error:
            return error.errno or EINVAL
        return 0


def _content(image: int, flags: int) -> bytes:
    """Return a module's file; the kernel uncompresses it if it is told to.

    :raises OSError: EINVAL, its compression is broken.
    """
    with open(image, "rb", closefd=False) as stream:
        stream.seek(0)
        data = stream.read()
    return uncompressed(data) if flags & _COMPRESSED else data
