"""System calls to the simulated kernel, apart from files."""

from __future__ import annotations

import os
from errno import EINVAL, EIO

from simkernel.fronts.fuse.inside.channel import Message
from simkernel.fronts.fuse.server.kernel_lock import KernelLock
from simkernel.fronts.fuse.server.uevents import UeventSender
from simkernel.fronts.tracing.trace import Trace
from simkernel.kmod.module_file import uncompressed
from simkernel.kmod.syscalls import KernelSyscalls

__all__ = ["SystemCalls"]

_COMPRESSED = 4
"""MODULE_INIT_COMPRESSED_FILE (include/uapi/linux/module.h)."""


class SystemCalls:
    """Trapped system calls on the simulated kernel.

    :param syscalls: the calls that load and unload modules.
    :param trace: records these calls.
    """

    def __init__(
        self, kernel_lock: KernelLock, syscalls: KernelSyscalls, trace: Trace | None
    ) -> None:
        self._kernel_lock = kernel_lock
        self._syscalls = syscalls
        self._trace = trace
        self._senders: list[UeventSender] = []

    def close(self) -> None:
        """Stop sending uevents."""
        while self._senders:
            self._senders.pop().close()

    def carry_out(self, call: Message, descriptor: int | None) -> int:
        """Carry out a call and return its errno, 0 on success.

        :param call: ``name`` of the call, and its arguments.
        """
        errno = EIO  # the reply even if the model raises something unexpected
        try:
            self._dispatch(call, descriptor)
            errno = 0
        except OSError as error:
            errno = error.errno or EINVAL
        finally:
            self._record(call, descriptor, errno)
        return errno

    def _dispatch(self, call: Message, descriptor: int | None) -> None:
        match call["name"]:
            case "send_uevents" if descriptor is not None:
                with self._kernel_lock.change() as kernel:
                    sender = UeventSender(kernel.uevents, os.dup(descriptor))
                    self._senders.append(sender)
            case "init_module" if descriptor is not None:
                data = _content(descriptor, call["flags"])
                with self._kernel_lock.change() as kernel:
                    self._syscalls.init_module(data, call["parameters"])
                    kernel.notifier.end_operation()
            case _:
                with self._kernel_lock.change() as kernel:
                    self._syscalls.delete_module(call["module"], force=False)
                    kernel.notifier.end_operation()

    def _record(self, call: Message, descriptor: int | None, errno: int) -> None:
        if self._trace is None:
            return
        if call["name"] == "delete_module":
            self._trace.record("delete_module", "", data=call["module"], number=errno)
        elif call["name"] == "init_module":
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            data = call["parameters"]
            self._trace.record("init_module", path, data=data, number=errno)


def _content(image: int, flags: int) -> bytes:
    """Return a module file, decompressed if the flags say so.

    :raises OSError: EINVAL, the compressed data is broken.
    """
    with open(image, "rb", closefd=False) as stream:
        stream.seek(0)
        data = stream.read()
    return uncompressed(data) if flags & _COMPRESSED else data
