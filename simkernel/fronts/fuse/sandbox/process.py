"""The process that makes the namespaces, and its commands."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import simkernel
from simkernel.fronts.fuse.inside.channel import Channel, Message, packed
from simkernel.fronts.fuse.sandbox.requirements import UnavailableError, failure

__all__ = ["Sandbox", "SandboxProcess"]

_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv.pop()); "
    "from simkernel.fronts.fuse.inside.main import main; main()"
)


class SandboxProcess:
    """A command that was started.

    :ivar returncode: exit code, or minus the signal that ended it, as in
        ``subprocess``; None while it runs.
    :ivar failed: step and errno, if its program could not be run.
    :ivar lost: all processes of the host were killed.
    """

    def __init__(self, identity: int, channel: Channel) -> None:
        self.identity = identity
        self.returncode: int | None = None
        self.failed: dict[str, Any] | None = None
        self.lost = False
        self.on_stop: Callable[[], None] = lambda: None
        """Called when a signal has stopped the command."""
        self._channel = channel
        self._ended = threading.Event()

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the command has ended."""
        if self.returncode is None:
            message = {"type": "signal", "id": self.identity, "signal": number}
            self._channel.send(message)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the command and return its ``returncode``.

        :param timeout: seconds.
        """
        self._ended.wait(timeout)
        return self.returncode

    def set_ended(self, status: int, failed: dict[str, Any] | None = None) -> None:
        """Set the result of the command."""
        self.returncode, self.failed = status, failed
        self._ended.set()


class Sandbox:
    """The namespaces of one host.

    The constructor starts the process that makes them.
    """

    def __init__(self) -> None:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel = Channel(here)
        root = str(Path(simkernel.__file__).parent.parent)
        number = str(there.fileno())
        options = ["-I", "-S", *(["-B"] if sys.dont_write_bytecode else [])]
        with there:
            self._builder = subprocess.Popen(
                [sys.executable, *options, "-c", _PROGRAM, number, root],
                pass_fds=[there.fileno()],
            )
        self._processes: dict[int, SandboxProcess] = {}
        self._killed = threading.Event()
        self._receiver = threading.Thread(
            target=self._receive, name="sandbox messages", daemon=True
        )
        self.on_call: Callable[[Message, int | None], int] = lambda call, image: 0
        """Carries out a trapped system call and returns its errno."""

    def expect(self, kind: str) -> list[int]:
        """Wait for the next message and return its descriptors.

        :param kind: expected type of the message.
        :raises UnavailableError: the namespaces could not be made.
        """
        received = self._channel.receive()
        if received is None:
            raise UnavailableError(
                "the process that makes the fuse tier's namespaces has ended",
                "read its messages above, or use --via fakefs or --via vm",
            )
        message, descriptors = received
        if message["type"] == "failed":
            raise failure(message["step"], message["errno"])
        assert message["type"] == kind, message
        return descriptors

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send a message, and close its descriptors."""
        self._channel.send(message, descriptors)
        for number in descriptors:
            os.close(number)

    def start_receiving(self) -> None:
        """Handle all further messages in a thread.

        Do not call :meth:`expect` after it.
        """
        self._receiver.start()

    def start(
        self, command: Mapping[str, object], streams: tuple[int, int, int]
    ) -> SandboxProcess:
        """Start a command.

        :param command: the members that ``inside/command.py`` reads.
        :param streams: descriptors of its standard input, output and error.
        """
        process = SandboxProcess(len(self._processes) + 1, self._channel)
        self._processes[process.identity] = process
        content = packed(command)
        message = {"type": "start", "id": process.identity}
        self._channel.send(message, [content, *streams])
        os.close(content)
        return process

    def kill_programs(self) -> None:
        """Kill all programs.

        A program that waits for the simulated kernel ends with its request.
        """
        with suppress(OSError):  # the sandbox has ended
            self._channel.send({"type": "kill"})
            self._killed.wait()

    def close(self) -> None:
        """End the namespaces, and wait until they are gone.

        A second call does nothing.
        """
        if self._builder.returncode is not None:
            return
        with suppress(OSError):  # the sandbox has ended
            self._channel.shutdown()
        if not self._receiver.is_alive():
            self._close_pending()
        self._builder.wait()
        if self._receiver.is_alive():
            self._receiver.join()
        self._channel.close()

    def _close_pending(self) -> None:
        """Close the descriptors of messages that were not received.

        A process that uses a FUSE mount without a server blocks until ``/dev/fuse`` is
        closed everywhere.
        """
        while (received := self._channel.receive()) is not None:
            for number in received[1]:
                os.close(number)

    def _receive(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while (received := self._channel.receive()) is not None:
            self._handle(*received)
        self._killed.set()
        for process in self._processes.values():
            if process.returncode is None:
                process.lost = True
                process.set_ended(-9)

    def _handle(self, message: Message, descriptors: list[int]) -> None:
        match message["type"]:
            case "call":
                threading.Thread(
                    target=self._carry_out,
                    args=(message, descriptors),
                    name="system call",
                    daemon=True,
                ).start()
            case "killed":
                self._killed.set()
            case "stopped":
                self._processes[message["id"]].on_stop()
            case "ended":
                process = self._processes[message["id"]]
                process.set_ended(message["status"], message["failed"])

    def _carry_out(self, call: Message, descriptors: list[int]) -> None:
        errno = self.on_call(call, descriptors[0] if descriptors else None)
        for number in descriptors:
            os.close(number)
        reply = {"type": "reply", "call": call["call"], "errno": errno}
        with suppress(OSError):  # the sandbox has ended
            self._channel.send(reply)
