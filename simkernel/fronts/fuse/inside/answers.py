"""Answers to trapped system calls; those about modules come from the kernel outside.

Nothing here may wait for long: process 1 has one thread.
"""

from __future__ import annotations

import itertools
import os
import struct
from collections.abc import Callable
from errno import EBADF, EFAULT, EPERM
from socket import SOCK_CLOEXEC, SOCK_RAW

from simkernel.fronts.fuse.inside.processes import about
from simkernel.fronts.fuse.inside.seccomp_filter import CALLS
from simkernel.fronts.fuse.inside.trapped_call import Notice, receive
from simkernel.fronts.fuse.inside.uevent_sockets import Ears
from simkernel.fronts.fuse.sandbox.channel import Channel, Message

__all__ = ["Trapped"]

_MAY_LOAD_MODULES = 16
"""CAP_SYS_MODULE (include/uapi/linux/capability.h)."""
_UTS_FIELD = 65
"""Bytes of each field of ``struct new_utsname``."""
_STATFS = struct.Struct("=7q2i7q")
"""``struct statfs`` on 64 bits: type, block size, five counts, id, longest name,
fragment size, flags, spare."""
_SYSFS_MAGIC = 0x62656572
_PROC_MAGIC = 0x9FA0
"""What ``statfs`` says of ``/sys`` and ``/proc`` (include/uapi/linux/magic.h)."""
_LARGEST_MODULE = 1 << 28
_CHUNK = 1 << 20


def _pass_on(notice: Notice, errno: int) -> None:
    notice.answer(errno=errno)


class Trapped:
    """Answers calls.

    :param channel: to the kernel.
    :param release: what ``uname`` says.
    :param own_network: uevents need a network namespace besides the programs'.
    """

    def __init__(self, channel: Channel, release: str, *, own_network: bool) -> None:
        self._channel = channel
        self._release = release
        self._own_network = own_network
        self._ears: Ears | None = None
        self._waiting: dict[int, tuple[Notice, Callable[[Notice, int], None]]] = {}
        """Calls that the kernel has been asked about, by a number of ours; and what
        is to be done when it has answered with an errno."""
        self._numbers = itertools.count(1)
        self._answers: dict[str, Callable[[Notice], None]] = {
            "uname": self._uname,
            "statfs": self._statfs,
            "fstatfs": self._fstatfs,
            "init_module": self._init_module,
            "finit_module": self._finit_module,
            "delete_module": self._delete_module,
            "socket": self._socket,
        }

    def hear(self, listener: int) -> None:
        """Take one call, if whoever made it is still there, and see to its answer."""
        notice = receive(listener)
        if notice is not None:
            name = CALLS[notice.architecture][notice.number]
            try:
                self._answers[name](notice)
            except OSError as error:
                notice.answer(errno=error.errno or EFAULT)

    def answer(self, message: Message) -> None:
        """Go on with a call that the kernel was asked about."""
        notice, go_on = self._waiting.pop(message["call"], (None, _pass_on))
        if notice is None:
            return  # nobody is left who waits for it
        try:
            go_on(notice, message["errno"])
        except OSError as error:
            notice.answer(errno=error.errno or EFAULT)

    def forget(self, listener: int) -> None:
        """Answer no call any more that came from there: it is about to be closed."""
        self._waiting = {
            number: waiting
            for number, waiting in self._waiting.items()
            if waiting[0].listener != listener
        }

    # ---- about the kernel and its file systems

    def _uname(self, notice: Notice) -> None:
        """Say what is true but for the release.

        Source: kernel/sys.c newuname().
        """
        real = os.uname()
        fields = ("Linux", real.nodename, self._release, "#1 SMP", real.machine, "")
        texts = [each.encode()[: _UTS_FIELD - 1] for each in fields]
        notice.put(
            notice.arguments[0],
            b"".join(text.ljust(_UTS_FIELD, b"\0") for text in texts),
        )
        notice.answer()

    def _statfs(self, notice: Notice) -> None:
        path = notice.text(notice.arguments[0])
        base = "root" if path.startswith("/") else "cwd/"
        number = os.open(about(notice.process, base + path), os.O_PATH)
        try:
            self._say_file_system(notice, f"/proc/self/fd/{number}")
        finally:
            os.close(number)

    def _fstatfs(self, notice: Notice) -> None:
        number = notice.arguments[0] & 0xFFFFFFFF
        self._say_file_system(notice, about(notice.process, f"fd/{number}"))

    def _say_file_system(self, notice: Notice, link: str) -> None:
        """Say of the simulated ``/sys`` that it is one; let others be what they are."""
        try:
            place = os.readlink(link)
        except OSError:
            notice.let_go()
            return
        if place == "/proc":
            magic = _PROC_MAGIC
        elif place == "/sys" or place.startswith("/sys/"):
            magic = _SYSFS_MAGIC
        else:
            notice.let_go()
            return
        sizes = 4096, 0, 0, 0, 0, 0, 0, 0, 255, 4096, 0, 0, 0, 0, 0
        notice.put(notice.arguments[1], _STATFS.pack(magic, *sizes))
        notice.answer()

    # ---- modules

    def _init_module(self, notice: Notice) -> None:
        address, size, parameters = notice.arguments[:3]
        self._check_rights(notice)
        image = os.memfd_create("module")
        try:
            left = min(size, _LARGEST_MODULE)
            while left:
                data = notice.memory(address, min(left, _CHUNK))
                os.write(image, data)
                address, left = address + len(data), left - len(data)
            self._insert(notice, image, parameters, 0)
        finally:
            os.close(image)

    def _finit_module(self, notice: Notice) -> None:
        number = notice.arguments[0] & 0xFFFFFFFF
        parameters, flags = notice.arguments[1:3]
        self._check_rights(notice)
        try:
            image = os.open(about(notice.process, f"fd/{number}"), os.O_RDONLY)
        except FileNotFoundError:
            raise OSError(EBADF, os.strerror(EBADF)) from None
        try:
            self._insert(notice, image, parameters, flags)
        finally:
            os.close(image)

    def _delete_module(self, notice: Notice) -> None:
        self._check_rights(notice)
        module = notice.text(notice.arguments[0])
        self._ask(notice, {"name": "delete_module", "module": module})

    def _insert(self, notice: Notice, image: int, parameters: int, flags: int) -> None:
        text = notice.text(parameters)
        details = {"name": "init_module", "parameters": text, "flags": flags}
        self._ask(notice, details, image)

    def _check_rights(self, notice: Notice) -> None:
        if not notice.may(_MAY_LOAD_MODULES):
            raise OSError(EPERM, os.strerror(EPERM))

    # ---- uevents

    def _socket(self, notice: Notice) -> None:
        """Give the caller a socket that hears the simulated kernel.

        Before the first one, the kernel gets one to send to them all.
        """
        if self._ears is not None:
            self._give_socket(notice, 0)
            return
        self._ears = Ears(own_network=self._own_network)
        sender = self._ears.socket(SOCK_RAW)
        try:
            self._ask(notice, {"name": "hear_uevents"}, sender, then=self._give_socket)
        finally:
            os.close(sender)

    def _give_socket(self, notice: Notice, errno: int) -> None:
        kind = notice.arguments[1] & 0xFFFFFFFF
        assert self._ears is not None
        number = self._ears.socket(kind)
        try:
            close_on_exec = bool(kind & SOCK_CLOEXEC)
            notice.answer_with_descriptor(number, close_on_exec=close_on_exec)
        finally:
            os.close(number)

    # ---- asking the kernel

    def _ask(
        self,
        notice: Notice,
        details: Message,
        *descriptors: int,
        then: Callable[[Notice, int], None] = _pass_on,
    ) -> None:
        number = next(self._numbers)
        self._waiting[number] = notice, then
        message = {"say": "call", "call": number, **details}
        self._channel.send(message, descriptors)
