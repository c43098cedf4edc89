"""What programs ask of the kernel by other ways than its files."""

from __future__ import annotations

import os
from errno import EINVAL, EIO

from simkernel.fronts.fuse.sandbox.channel import Message
from simkernel.fronts.fuse.sandbox.uevents import UeventSender
from simkernel.fronts.fuse.server.kernel_lock import Turn
from simkernel.fronts.trace import Trace
from simkernel.kmod.module_file import uncompressed
from simkernel.kmod.syscalls import KernelSyscalls

__all__ = ["Calls"]

_COMPRESSED = 4
"""MODULE_INIT_COMPRESSED_FILE (include/uapi/linux/module.h)."""


class Calls:
    """Answers system calls, each when it is its turn.

    :param syscalls: those about modules.
    :param trace: what is asked is written there.
    """

    def __init__(
        self, turn: Turn, syscalls: KernelSyscalls, trace: Trace | None
    ) -> None:
        self._turn = turn
        self._syscalls = syscalls
        self._trace = trace
        self._senders: list[UeventSender] = []

    def close(self) -> None:
        """Send nobody anything any more."""
        while self._senders:
            self._senders.pop().close()

    def answer(self, call: Message, descriptor: int | None) -> int:
        """Carry one call out and return its errno, 0 if it succeeded.

        :param call: its ``name`` and what belongs to it.
        """
        errno = EIO  # should it be a bug of ours, the caller still gets an answer
        try:
            self._carry_out(call, descriptor)
            errno = 0
        except OSError as error:
            errno = error.errno or EINVAL
        finally:
            self._record(call, descriptor, errno)
        return errno

    def _carry_out(self, call: Message, descriptor: int | None) -> None:
        match call["name"]:
            case "hear_uevents" if descriptor is not None:
                with self._turn.changing() as kernel:
                    sender = UeventSender(kernel.uevents, os.dup(descriptor))
                    self._senders.append(sender)
            case "init_module" if descriptor is not None:
                data = _content(descriptor, call["flags"])
                with self._turn.changing() as kernel:
                    self._syscalls.init_module(data, call["parameters"])
                    kernel.notifier.end_operation()
            case _:
                with self._turn.changing() as kernel:
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
    """Return a module's file; the kernel uncompresses it if it is told to.

    :raises OSError: EINVAL, its compression is broken.
    """
    with open(image, "rb", closefd=False) as stream:
        stream.seek(0)
        data = stream.read()
    return uncompressed(data) if flags & _COMPRESSED else data
