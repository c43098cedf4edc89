"""The first process of the namespaces: lays out the world, then starts commands in it.

It adopts what they leave behind, and answers their trapped system calls. When it ends,
the kernel ends everything else in the namespaces.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress

from simkernel.fronts.fuse.inside import syscalls
from simkernel.fronts.fuse.inside.answers import Trapped
from simkernel.fronts.fuse.inside.command import Command
from simkernel.fronts.fuse.inside.mounts import World
from simkernel.fronts.fuse.inside.namespaces import enter_user_namespace
from simkernel.fronts.fuse.inside.steps import step
from simkernel.fronts.fuse.sandbox.channel import Channel, Message

__all__ = ["First"]


class First:
    """Process 1.

    :param device: ``/dev/fuse``, not mounted yet.
    :param umask: what commands begin with.
    """

    def __init__(self, channel: Channel, device: int, umask: int) -> None:
        self._channel = channel
        self._device = device
        self._umask = umask
        self._commands: dict[int, Command] = {}
        """By process."""
        self._poll = select.poll()
        self._heard: dict[int, Callable[[], None]] = {}
        """What to do when a descriptor has something to read."""
        self._listeners: set[int] = set()
        """Those that tell of trapped system calls."""

    def run(self) -> None:
        """Be process 1 until the kernel's end of the channel closes.

        :raises StepError: the machine does not allow something.
        """
        self._sysfs = self._lay_out()
        self._trapped = Trapped(
            self._channel, self._release, own_network=not self._is_alone
        )
        self._children = _wakeup()
        self._listen(self._channel.fileno(), self._hear_kernel)
        self._listen(self._children, self._reap)
        self._channel.send({"say": "up"})
        while True:
            ready = [(*one, self._heard.get(one[0])) for one in self._poll.poll()]
            for number, events, action in ready:
                if action is None or action is not self._heard.get(number):
                    continue  # closed meanwhile, and perhaps another one's number
                if number in self._listeners and not events & select.POLLIN:
                    self._trapped.forget(number)
                    self._ignore(number)  # nobody is left whose calls it traps
                else:
                    action()

    def _lay_out(self) -> int:
        """Put everything into its place; return the device number of ``/sys``."""
        world = World()
        machine = world.begin(self._device)
        os.close(self._device)
        self._channel.send({"say": "mounted"}, machine)
        for number in machine:
            os.close(number)
        sysfs = world.cover_real_sysfs()
        world.make_dev()
        world.make_proc()
        message, (index, content) = self._hear()
        self._release = message["release"]
        self._is_alone = message["own_network"]
        files = f"/proc/self/fd/{index}", f"/proc/self/fd/{content}"
        world.empty(message["empty"])
        modules = message["modules_dir"], f"/lib/modules/{message['release']}"
        world.make_files(message["folders"], modules, *files)
        world.show_kernel_files(message["places"])
        self._vfio = world.take_vfio()
        world.end()
        os.close(index)
        os.close(content)
        with step("lock the mounts in another user namespace"):
            # What it finds there it cannot take away: the machine's own /sys stays
            # covered even for root.
            network = syscalls.NEW_NETWORK if self._is_alone else 0
            enter_user_namespace(syscalls.NEW_MOUNTS | network)
        with step("prepare /dev/vfio"):
            self._vfio.begin()
            self._vfio.show(message["vfio"])
        if self._is_alone:
            with step("bring the loopback interface up"):
                syscalls.bring_up_loopback()
        syscalls.die_with_parent()
        return sysfs

    # ---- what is heard

    def _listen(self, number: int, action: Callable[[], None]) -> None:
        self._heard[number] = action
        self._poll.register(number, select.POLLIN)

    def _ignore(self, number: int) -> None:
        del self._heard[number]
        self._listeners.discard(number)
        self._poll.unregister(number)
        os.close(number)

    def _hear(self) -> tuple[Message, list[int]]:
        """Hear the kernel; if it is gone, end."""
        heard = self._channel.receive()
        if heard is None:
            os._exit(0)
        return heard

    def _hear_kernel(self) -> None:
        message, descriptors = self._hear()
        match message["say"]:
            case "start":
                command = Command(message["id"], descriptors, self._umask, self._sysfs)
                self._commands[command.process] = command
                self._listen(command.reports, lambda: self._hear_command(command))
            case "signal":
                for command in self._commands.values():
                    if command.identity == message["id"]:
                        os.kill(command.process, message["signal"])
            case "answer":
                self._trapped.answer(message)
            case "kill":
                with suppress(ProcessLookupError):  # there is none
                    os.kill(-1, signal.SIGKILL)
                self._channel.send({"say": "killed"})
            case "vfio":
                with suppress(OSError):  # a program's own mounts are in its way
                    self._vfio.show(message["present"])

    def _hear_command(self, command: Command) -> None:
        """Hear from a command that is about to start."""
        number = command.reports
        listener = command.hear()
        if listener is not None:
            self._listeners.add(listener)
            self._listen(listener, lambda: self._trapped.hear(listener))
        elif command.reports < 0:
            self._ignore(number)

    # ---- processes

    def _reap(self) -> None:
        """Take note of every process that ended or stopped."""
        os.read(self._children, 512)
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
                self._say(command, {"say": "stopped"})
            else:
                del self._commands[process]
                while command.reports >= 0:
                    self._hear_command(command)
                ended = {"status": os.waitstatus_to_exitcode(status)}
                self._say(command, {"say": "ended", **ended, "failed": command.failed})

    def _say(self, command: Command, message: Message) -> None:
        self._channel.send({**message, "id": command.identity})


def _wakeup() -> int:
    """Return a descriptor that can be read when a child did something."""
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    # Else a call that is being answered fails if a child ends just then.
    signal.siginterrupt(signal.SIGCHLD, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading
