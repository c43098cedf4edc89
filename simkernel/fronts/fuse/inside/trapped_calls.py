"""Handlers of trapped system calls.

Module calls go to the simulated kernel outside the namespaces. The init process has one
thread, so no handler may block.
"""

from __future__ import annotations

import itertools
import os
import struct
from collections.abc import Callable
from errno import EBADF, EFAULT, EPERM
from socket import SOCK_CLOEXEC, SOCK_RAW

from simkernel.fronts.fuse.inside.channel import Channel, Message
from simkernel.fronts.fuse.inside.notification import Notification, proc_path, receive
from simkernel.fronts.fuse.inside.seccomp_filter import CALLS
from simkernel.fronts.fuse.inside.uevent_sockets import UeventSockets

__all__ = ["TrappedCalls"]

_CAP_SYS_MODULE = 16
"""Source: include/uapi/linux/capability.h."""
_UTS_FIELD = 65
"""Bytes of each field of ``struct new_utsname``."""
_STATFS = struct.Struct("=7q2i7q")
"""``struct statfs`` on 64 bits: type, block size, five counts, id, longest name,
fragment size, flags, spare."""
_SYSFS_MAGIC = 0x62656572
_PROC_MAGIC = 0x9FA0
"""File system types of ``/sys`` and ``/proc`` (include/uapi/linux/magic.h)."""
_LARGEST_MODULE = 1 << 28
_CHUNK = 1 << 20


def _reply_errno(notification: Notification, errno: int) -> None:
    notification.reply(errno=errno)


class TrappedCalls:
    """Replies to seccomp notifications.

    :param channel: to the simulated kernel.
    :param release: kernel release for ``uname``.
    :param new_network: uevent sockets need a network namespace of their own.
    """

    def __init__(self, channel: Channel, release: str, *, new_network: bool) -> None:
        self._channel = channel
        self._release = release
        self._new_network = new_network
        self._uevent_sockets: UeventSockets | None = None
        self._pending: dict[
            int, tuple[Notification, Callable[[Notification, int], None]]
        ] = {}
        """Calls sent to the simulated kernel, and the handlers of its replies."""
        self._numbers = itertools.count(1)
        self._handlers: dict[str, Callable[[Notification], None]] = {
            "uname": self._uname,
            "statfs": self._statfs,
            "fstatfs": self._fstatfs,
            "init_module": self._init_module,
            "finit_module": self._finit_module,
            "delete_module": self._delete_module,
            "socket": self._socket,
        }

    def handle(self, listener: int) -> None:
        """Receive and handle one call."""
        notification = receive(listener)
        if notification is not None:
            name = CALLS[notification.architecture][notification.number]
            try:
                self._handlers[name](notification)
            except OSError as error:
                notification.reply(errno=error.errno or EFAULT)

    def handle_reply(self, message: Message) -> None:
        """Handle the simulated kernel's reply to a call."""
        default = None, _reply_errno
        notification, handle = self._pending.pop(message["call"], default)
        if notification is None:
            return  # the caller has been killed
        try:
            handle(notification, message["errno"])
        except OSError as error:
            notification.reply(errno=error.errno or EFAULT)

    def drop(self, listener: int) -> None:
        """Drop the pending calls of a listener that is being closed."""
        self._pending = {
            number: pending
            for number, pending in self._pending.items()
            if pending[0].listener != listener
        }

    # ---- the kernel and its file systems

    def _uname(self, notification: Notification) -> None:
        """Reply with the machine's own values, but the host's release.

        Source: kernel/sys.c newuname().
        """
        real = os.uname()
        fields = ("Linux", real.nodename, self._release, "#1 SMP", real.machine, "")
        texts = [each.encode()[: _UTS_FIELD - 1] for each in fields]
        notification.write_memory(
            notification.arguments[0],
            b"".join(text.ljust(_UTS_FIELD, b"\0") for text in texts),
        )
        notification.reply()

    def _statfs(self, notification: Notification) -> None:
        path = notification.read_text(notification.arguments[0])
        base = "root" if path.startswith("/") else "cwd/"
        number = os.open(proc_path(notification.process, base + path), os.O_PATH)
        try:
            self._reply_statfs(notification, f"/proc/self/fd/{number}")
        finally:
            os.close(number)

    def _fstatfs(self, notification: Notification) -> None:
        number = notification.arguments[0] & 0xFFFFFFFF
        self._reply_statfs(
            notification, proc_path(notification.process, f"fd/{number}")
        )

    def _reply_statfs(self, notification: Notification, link: str) -> None:
        """Reply for ``/sys`` and ``/proc``, else continue the call.

        :param link: link to the file, in ``/proc``.
        """
        try:
            path = os.readlink(link)
        except OSError:
            notification.continue_call()
            return
        if path == "/proc":
            magic = _PROC_MAGIC
        elif path == "/sys" or path.startswith("/sys/"):
            magic = _SYSFS_MAGIC
        else:
            notification.continue_call()
            return
        sizes = 4096, 0, 0, 0, 0, 0, 0, 0, 255, 4096, 0, 0, 0, 0, 0
        notification.write_memory(
            notification.arguments[1], _STATFS.pack(magic, *sizes)
        )
        notification.reply()

    # ---- modules

    def _init_module(self, notification: Notification) -> None:
        address, size, parameters = notification.arguments[:3]
        self._check_capability(notification)
        image = os.memfd_create("module")
        try:
            left = min(size, _LARGEST_MODULE)
            while left:
                data = notification.read_memory(address, min(left, _CHUNK))
                os.write(image, data)
                address, left = address + len(data), left - len(data)
            self._insert(notification, image, parameters, 0)
        finally:
            os.close(image)

    def _finit_module(self, notification: Notification) -> None:
        number = notification.arguments[0] & 0xFFFFFFFF
        parameters, flags = notification.arguments[1:3]
        self._check_capability(notification)
        path = proc_path(notification.process, f"fd/{number}")
        try:
            image = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            raise OSError(EBADF, os.strerror(EBADF)) from None
        try:
            self._insert(notification, image, parameters, flags)
        finally:
            os.close(image)

    def _delete_module(self, notification: Notification) -> None:
        self._check_capability(notification)
        module = notification.read_text(notification.arguments[0])
        self._send(notification, {"name": "delete_module", "module": module})

    def _insert(
        self, notification: Notification, image: int, parameters: int, flags: int
    ) -> None:
        text = notification.read_text(parameters)
        call = {"name": "init_module", "parameters": text, "flags": flags}
        self._send(notification, call, image)

    def _check_capability(self, notification: Notification) -> None:
        if not notification.has_capability(_CAP_SYS_MODULE):
            raise OSError(EPERM, os.strerror(EPERM))

    # ---- uevents

    def _socket(self, notification: Notification) -> None:
        """Reply with a socket for the simulated kernel's uevents.

        Before the first one, send the kernel a socket to multicast from.
        """
        if self._uevent_sockets is not None:
            self._reply_socket(notification, 0)
            return
        self._uevent_sockets = UeventSockets(new_network=self._new_network)
        sender = self._uevent_sockets.socket(SOCK_RAW)
        call = {"name": "send_uevents"}
        try:
            self._send(notification, call, sender, on_reply=self._reply_socket)
        finally:
            os.close(sender)

    def _reply_socket(self, notification: Notification, errno: int) -> None:
        kind = notification.arguments[1] & 0xFFFFFFFF
        assert self._uevent_sockets is not None
        number = self._uevent_sockets.socket(kind)
        try:
            close_on_exec = bool(kind & SOCK_CLOEXEC)
            notification.reply_with_descriptor(number, close_on_exec=close_on_exec)
        finally:
            os.close(number)

    # ---- to the simulated kernel

    def _send(
        self,
        notification: Notification,
        call: Message,
        *descriptors: int,
        on_reply: Callable[[Notification, int], None] = _reply_errno,
    ) -> None:
        number = next(self._numbers)
        self._pending[number] = notification, on_reply
        message = {"type": "call", "call": number, **call}
        self._channel.send(message, descriptors)
