"""The process that makes the namespaces, as seen from the kernel outside."""

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
from simkernel.fronts.fuse.sandbox.channel import Channel, Message, packed
from simkernel.fronts.fuse.sandbox.requirements import UnavailableError, failure

__all__ = ["Process", "Sandbox"]

_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv.pop()); "
    "from simkernel.fronts.fuse.inside.main import main; main()"
)


class Process:
    """A command that was started.

    :ivar returncode: as of ``subprocess``: its exit code, or minus the signal that
        ended it; None while it runs.
    :ivar failed: step and errno, if its program could not be run.
    :ivar lost: it ended because everything on the host was ended.
    """

    def __init__(self, identity: int, channel: Channel) -> None:
        self.identity = identity
        self.returncode: int | None = None
        self.failed: dict[str, Any] | None = None
        self.lost = False
        self.on_stop: Callable[[], None] = lambda: None
        """Called when it was stopped by a signal."""
        self._channel = channel
        self._ended = threading.Event()

    def send_signal(self, number: int) -> None:
        """Send a signal; to what has ended, nothing is sent."""
        if self.returncode is None:
            self._channel.send({"say": "signal", "id": self.identity, "signal": number})

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until it has ended and return its ``returncode``."""
        self._ended.wait(timeout)
        return self.returncode

    def end(self, status: int, failed: dict[str, Any] | None = None) -> None:
        """Take note that it has ended."""
        self.returncode, self.failed = status, failed
        self._ended.set()


class Sandbox:
    """The namespaces, from before they are there until they are gone."""

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
        self._processes: dict[int, Process] = {}
        self._killed = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="calls", daemon=True)
        self.on_call: Callable[[Message, int | None], int] = lambda call, image: 0
        """Answers a system call about a module, with its errno."""

    def expect(self, kind: str) -> list[int]:
        """Wait for the next message and return its descriptors.

        :param kind: what it must say.
        :raises UnavailableError: it tells of trouble instead.
        """
        heard = self._channel.receive()
        if heard is None:
            raise UnavailableError(
                "the process that makes the fuse tier's namespaces ended at once",
                "its messages are above; --via fakefs or --via vm may do instead",
            )
        message, descriptors = heard
        if message["say"] == "trouble":
            raise failure(message["step"], message["errno"])
        assert message["say"] == kind, message
        return descriptors

    def say(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send a message, and close its descriptors."""
        self._channel.send(message, descriptors)
        for number in descriptors:
            os.close(number)

    def listen(self) -> None:
        """Answer from now on; no :meth:`expect` after this."""
        self._thread.start()

    def start(
        self, command: Mapping[str, object], streams: tuple[int, int, int]
    ) -> Process:
        """Start a command.

        :param command: what ``inside/command.py`` wants to know.
        :param streams: descriptors for its input, output and error.
        """
        process = Process(len(self._processes) + 1, self._channel)
        self._processes[process.identity] = process
        about = packed(command)
        message = {"say": "start", "id": process.identity}
        self._channel.send(message, [about, *streams])
        os.close(about)
        return process

    def kill_programs(self) -> None:
        """Kill every program; who waits for the kernel ends when it is answered."""
        with suppress(OSError):  # they may be gone already
            self._channel.send({"say": "kill"})
            self._killed.wait()

    def close(self) -> None:
        """End everything inside and wait until it has; a second time does nothing."""
        if self._builder.returncode is not None:
            return
        with suppress(OSError):  # it may be gone already
            self._channel.shutdown()
        if not self._thread.is_alive():
            self._close_unheard()
        self._builder.wait()
        if self._thread.is_alive():
            self._thread.join()
        self._channel.close()

    def _close_unheard(self) -> None:
        """Close what came with messages that nobody waits for any more.

        A file system that is mounted but not served keeps who looks at it waiting until
        its ``/dev/fuse`` is closed everywhere.
        """
        while (heard := self._channel.receive()) is not None:
            for number in heard[1]:
                os.close(number)

    def _listen(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while (heard := self._channel.receive()) is not None:
            message = heard[0]
            if message["say"] == "call":
                threading.Thread(
                    target=self._answer, args=heard, name="call", daemon=True
                ).start()
                continue
            if message["say"] == "killed":
                self._killed.set()
                continue
            process = self._processes[message["id"]]
            if message["say"] == "stopped":
                process.on_stop()
            else:
                process.end(message["status"], message["failed"])
        self._killed.set()
        for process in self._processes.values():
            if process.returncode is None:
                process.lost = True
                process.end(-9)

    def _answer(self, call: Message, descriptors: list[int]) -> None:
        errno = self.on_call(call, descriptors[0] if descriptors else None)
        for number in descriptors:
            os.close(number)
        try:
            self._channel.send({"say": "answer", "call": call["call"], "errno": errno})
        except OSError:
            return  # nobody is left who waits for it
