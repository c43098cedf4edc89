"""A guest: boots, answers requests, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from simkernel.errors import SimkernelError
from simkernel.fronts.vm.machine.hardware import Machine
from simkernel.fronts.vm.machine.initramfs import initramfs
from simkernel.fronts.vm.machine.qemu import start_qemu
from simkernel.fronts.vm.machine.requirements import find_tools

__all__ = ["Guest", "GuestError"]

_BOOT_S = 180.0
"""Maximum time to boot, in seconds."""
_ANSWER_S = 120.0
"""Maximum time for the answer to a request, in seconds."""
_END_S = 5.0
"""Maximum time for QEMU to exit after its guest has ended, in seconds."""
_CONSOLE_LINES = 30
"""Number of console lines at the end of an error message."""


class GuestError(SimkernelError):
    """The guest does not boot, does not answer, or has ended."""


class GuestSilentError(GuestError):
    """The guest does not answer in time, but may still run."""


class Guest:
    """A booted guest. Leaving the context ends it.

    :param image: path of the kernel image.
    :param release: the kernel's release.
    :param folders: host folders that the guest may write to, mounted at the same
        paths.
    :param virtual_clock: sleeping takes no time in the guest.
    :param boot_s: maximum time to boot, in seconds.
    :raises UsageError: a required program is not installed.
    :raises GuestError: the guest does not boot in time.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        image: Path,
        release: str,
        folders: Sequence[Path] = (),
        virtual_clock: bool = False,
        boot_s: float = _BOOT_S,
    ) -> None:
        self._partial = b""
        self._unread: list[dict[str, Any]] = []
        self._requests = 0
        self._console_text: deque[str] = deque([""], maxlen=_CONSOLE_LINES)
        tools = find_tools()
        self._qemu = start_qemu(
            tools,
            machine,
            image=image,
            archive=initramfs(release, tools.busybox),
            folders=folders,
            virtual_clock=virtual_clock,
        )
        try:
            self._get_ready(folders, boot_s)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Guest:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the guest."""
        self._qemu.process.kill()
        self._qemu.process.communicate()
        self._qemu.channel.close()
        self._qemu.console.close()

    def send(self, word: str, **fields: Any) -> int:
        """Send a request and return its number.

        :raises GuestError: the guest has ended.
        """
        self._requests += 1
        document = {"id": self._requests, "do": word, **fields}
        try:
            self._qemu.channel.sendall(json.dumps(document).encode() + b"\n")
        except OSError:
            raise self._gone() from None
        return self._requests

    def receive(
        self, deadline: float | None = None, *, others: Sequence[int] = ()
    ) -> tuple[list[dict[str, Any]], list[int]]:
        """Wait for documents from the guest, or for input on other descriptors.

        :param deadline: time of ``time.monotonic``; None: no deadline.
        :param others: further descriptors to wait for.
        :return: the received documents, and the readable ones of ``others``.
        :raises GuestError: the guest has ended, or the deadline has passed.
        """
        if self._unread:
            documents, self._unread = self._unread, []
            return documents, []
        left = None if deadline is None else max(deadline - time.monotonic(), 0)
        poll = select.poll()
        for one in (self._qemu.channel.fileno(), self._qemu.console.fileno(), *others):
            poll.register(one, select.POLLIN)
        ready = [one for one, _ in poll.poll(None if left is None else left * 1000)]
        if not ready:
            raise GuestSilentError(f"the guest does not answer{self._console_tail()}")
        if self._qemu.console.fileno() in ready:
            self._read_console()
        documents = self._read() if self._qemu.channel.fileno() in ready else []
        return documents, [one for one in ready if one in others]

    def _read(self) -> list[dict[str, Any]]:
        data = self._qemu.channel.recv(1 << 20)
        if not data:
            raise self._gone()
        *lines, self._partial = (self._partial + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def call(
        self, word: str, *, timeout_s: float = _ANSWER_S, **fields: Any
    ) -> dict[str, Any]:
        """Send a request and return its answer; requires that no command runs.

        :param timeout_s: maximum time for the answer, in seconds.
        :raises GuestError: no answer in time, or the guest has ended.
        """
        number = self.send(word, **fields)
        deadline = time.monotonic() + timeout_s
        while True:
            documents, _ = self.receive(deadline)
            for index, document in enumerate(documents):
                if document.get("id") == number:
                    self._unread = documents[index + 1 :]
                    return document

    def do(self, operations: Sequence[dict[str, Any]]) -> None:
        """Run operations that must all succeed.

        :raises GuestError: the kernel refused one; the message has operation and
            errno.
        """
        answers = self.call("execute", operations=operations, stop=True)["answers"]
        if answers and answers[-1]["errno"]:
            refused = operations[len(answers) - 1]
            reason = os.strerror(answers[-1]["errno"])
            text = " ".join(str(one) for one in refused.values())
            raise GuestError(f"the guest's kernel refused: {text}: {reason}")

    def _get_ready(self, folders: Sequence[Path], boot_s: float) -> None:
        self._await_agent(boot_s)
        self.do(
            [
                {"op": "share", "tag": f"folder{number}", "path": str(folder)}
                for number, folder in enumerate(folders)
            ]
        )

    def _await_agent(self, boot_s: float) -> None:
        deadline = time.monotonic() + boot_s
        try:
            while not self.receive(deadline)[
                0
            ]:  # the agent's first document says that it is ready
                pass
        except GuestSilentError:
            raise GuestError(
                f"the guest did not boot within {boot_s:g} s{self._console_tail()}"
            ) from None

    def _read_console(self) -> None:
        text = self._qemu.console.recv(1 << 16).decode("utf-8", "replace")
        if not text:
            raise self._gone()
        first, *others = text.replace("\r", "").split("\n")
        self._console_text[-1] += first
        self._console_text.extend(others)

    def _gone(self) -> GuestError:
        """Return the error for a guest that ended by itself."""
        said = b""
        with suppress(subprocess.TimeoutExpired):
            _, said = self._qemu.process.communicate(timeout=_END_S)
        text = said.decode("utf-8", "replace").strip()
        reason = f": {text}" if text else ""
        return GuestError(f"the guest has ended{reason}{self._console_tail()}")

    def _console_tail(self) -> str:
        """Return the end of the console as the end of a message."""
        lines = [one for one in self._console_text if one.strip()]
        if not lines:
            return "; its console is empty"
        return "; the end of its console:\n" + "\n".join(f"    {one}" for one in lines)
