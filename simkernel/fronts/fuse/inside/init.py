"""The init process: mounts the host, then starts commands.

It reaps orphaned processes, and answers trapped system calls. When it ends, the kernel
kills all other processes of the namespaces.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress

from simkernel.fronts.fuse.inside import syscalls
from simkernel.fronts.fuse.inside.channel import Channel, Message
from simkernel.fronts.fuse.inside.command import CommandProcess
from simkernel.fronts.fuse.inside.mounts import MountNamespace
from simkernel.fronts.fuse.inside.namespaces import enter_user_namespace
from simkernel.fronts.fuse.inside.processes import start_idle
from simkernel.fronts.fuse.inside.steps import step
from simkernel.fronts.fuse.inside.trapped_calls import TrappedCalls

__all__ = ["InitProcess"]

_KTHREADD = 2
"""Pid of an idle process named kthreadd. Its name tells programs that they see the
processes of a whole host, not of a container.

Source: Linux, init/main.c, rest_init().
"""


class InitProcess:
    """Process 1 of the PID namespace.

    :param device: ``/dev/fuse``, not mounted yet.
    :param umask: umask of commands.
    """

    def __init__(self, channel: Channel, device: int, umask: int) -> None:
        self._channel = channel
        self._device = device
        self._umask = umask
        self._commands: dict[int, CommandProcess] = {}
        """By process id."""
        self._poll = select.poll()
        self._handlers: dict[int, Callable[[], None]] = {}
        """Handler of each polled descriptor."""
        self._listeners: set[int] = set()
        """Descriptors of seccomp notifications."""

    def run(self) -> None:
        """Run until the kernel's end of the channel closes.

        :raises StepError: the machine does not allow a step.
        """
        start_idle("kthreadd")
        self._sysfs = self._mount_host()
        self._trapped_calls = TrappedCalls(
            self._channel, self._release, new_network=not self._private_network
        )
        self._child_wakeup = _child_wakeup()
        self._add_handler(self._channel.fileno(), self._handle_message)
        self._add_handler(self._child_wakeup, self._reap)
        self._channel.send({"type": "ready"})
        while True:
            ready = [(*one, self._handlers.get(one[0])) for one in self._poll.poll()]
            for number, events, handler in ready:
                if handler is None or handler is not self._handlers.get(number):
                    continue  # closed by an earlier handler, and perhaps reused
                if number in self._listeners and not events & select.POLLIN:
                    self._trapped_calls.drop(number)
                    self._remove_handler(number)  # its processes have ended
                else:
                    handler()

    def _mount_host(self) -> int:
        """Make all mounts; return the device number of ``/sys``."""
        mounts = MountNamespace()
        machine_proc = mounts.mount_staged(self._device)
        os.close(self._device)
        self._channel.send({"type": "mounted"}, machine_proc)
        for number in machine_proc:
            os.close(number)
        sysfs = mounts.cover_sysfs()
        mounts.mount_dev()
        mounts.mount_proc()
        message, (index, content) = self._receive()
        self._release = message["release"]
        self._private_network = message["private_network"]
        files = f"/proc/self/fd/{index}", f"/proc/self/fd/{content}"
        mounts.hide_directories(message["hidden_folders"])
        modules = message["modules_dir"], f"/lib/modules/{message['release']}"
        mounts.write_files(message["folders"], modules, *files)
        mounts.bind_kernel_files(message["kernel_files"])
        if message["is_container"]:
            os.kill(_KTHREADD, signal.SIGKILL)
            os.waitpid(_KTHREADD, 0)
        processes = mounts.start_processes(message["processes"])
        self._vfio = mounts.vfio_mount()
        mounts.remove_stage()
        os.close(index)
        os.close(content)
        self._lock_mounts(shows_vfio=message["vfio"])
        with step("move processes into the user namespace"):
            processes.follow()
        syscalls.die_with_parent()
        return sysfs

    def _lock_mounts(self, *, shows_vfio: bool) -> None:
        """Enter a second user namespace, which locks the mounts."""
        with step("lock the mounts in another user namespace"):
            # Even root cannot unmount locked mounts, so the machine's /sys stays
            # covered. Source: mount_namespaces(7).
            network = syscalls.NEW_NETWORK if self._private_network else 0
            enter_user_namespace(syscalls.NEW_MOUNTS | network)
        with step("prepare /dev/vfio"):
            self._vfio.attach()
            self._vfio.set_visible(shows_vfio)
        if self._private_network:
            with step("bring the loopback interface up"):
                syscalls.bring_up_loopback()

    # ---- messages

    def _add_handler(self, number: int, handler: Callable[[], None]) -> None:
        self._handlers[number] = handler
        self._poll.register(number, select.POLLIN)

    def _remove_handler(self, number: int) -> None:
        del self._handlers[number]
        self._listeners.discard(number)
        self._poll.unregister(number)
        os.close(number)

    def _receive(self) -> tuple[Message, list[int]]:
        """Receive a message; exit if the channel is closed."""
        received = self._channel.receive()
        if received is None:
            os._exit(0)
        return received

    def _handle_message(self) -> None:
        message, descriptors = self._receive()
        match message["type"]:
            case "start":
                command = CommandProcess(
                    message["id"], descriptors, self._umask, self._sysfs
                )
                self._commands[command.process] = command
                self._add_handler(command.reports, lambda: self._handle_report(command))
            case "signal":
                for command in self._commands.values():
                    if command.identity == message["id"]:
                        os.kill(command.process, message["signal"])
            case "reply":
                self._trapped_calls.handle_reply(message)
            case "kill":
                with suppress(ProcessLookupError):  # no process is left
                    os.kill(-1, signal.SIGKILL)
                self._channel.send({"type": "killed"})
            case "vfio":
                with suppress(OSError):  # a program has mounted on /dev/vfio
                    self._vfio.set_visible(message["present"])

    def _handle_report(self, command: CommandProcess) -> None:
        """Receive a report of a command that is starting."""
        number = command.reports
        listener = command.receive_report()
        if listener is not None:
            self._listeners.add(listener)
            self._add_handler(listener, lambda: self._trapped_calls.handle(listener))
        elif command.reports < 0:
            self._remove_handler(number)

    # ---- processes

    def _reap(self) -> None:
        """Reap all ended processes; report ended and stopped commands."""
        os.read(self._child_wakeup, 512)
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if not process:
                return
            command = self._commands.get(process)
            if command is None:
                continue
            if os.WIFSTOPPED(status):
                self._report(command, {"type": "stopped"})
            else:
                del self._commands[process]
                while command.reports >= 0:
                    self._handle_report(command)
                ended = {"type": "ended", "status": os.waitstatus_to_exitcode(status)}
                self._report(command, {**ended, "failed": command.failed})

    def _report(self, command: CommandProcess, message: Message) -> None:
        self._channel.send({**message, "id": command.identity})


def _child_wakeup() -> int:
    """Return a descriptor that becomes readable at each SIGCHLD."""
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    # Otherwise a trapped call fails if a child ends while it is handled.
    signal.siginterrupt(signal.SIGCHLD, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading
