"""The host: where things are, kernel release, commands to the kernel, own files."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from resolver.errors import BlockedError, RefusedError, UsageError
from resolver.linux.observer import Observer
from resolver.linux.reading import ABSENT, text_of

if TYPE_CHECKING:
    from resolver.linux.deadline import Patience
    from resolver.linux.workers import Workers

__all__ = ["TIMEOUT_S", "Host", "discard_stdout"]

TIMEOUT_S = 30.0
"""How long a driver, a module or another resolver may take if nobody says."""


class Host(Observer):
    """A Linux host, or what was captured of one; ``Places`` has its parameters."""

    @classmethod
    def below(cls, root: str) -> Host:
        """Return the host whose file system is at ``root``; ``/`` is this one.

        :raises UsageError: there is no such directory.
        """
        if not os.path.isdir(root):
            raise UsageError(f"{root}: no such directory")
        base = os.path.realpath(root).rstrip("/")
        return cls(
            sys=f"{base}/sys",
            proc=f"{base}/proc",
            modules=f"{base}/lib/modules",
            etc=f"{base}/etc",
            run=f"{base}/run",
            dev=f"{base}/dev",
            modprobe_d=(f"{base}/usr/local/lib/modprobe.d", f"{base}/lib/modprobe.d"),
            udev_rules=(f"{base}/usr/lib/udev/rules.d", f"{base}/lib/udev/rules.d"),
            is_live=not base,
            root=base,
        )

    def is_writable(self, path: str) -> bool:
        """Return whether this process may write a file, by opening it.

        Modes do not tell all: the file system may be mounted read-only.
        """
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CLOEXEC))
        except OSError:
            return False
        return True

    def write(self, path: str, text: str, *, timeout_s: float = TIMEOUT_S) -> None:
        """Give a file of the kernel's one command, in one write.

        It is opened without O_CREAT: a wrong name is an error, never a new file. The
        locks that are held now stay so until the write has returned, whenever that is.

        :param timeout_s: how long to wait; ``None``: it is known to return at once.
        :raises OSError: as the kernel says.
        :raises BlockedError: it has not returned in that time.
        :raises RefusedError: this is a captured host.
        """
        self.require_live()
        data = text.encode("utf-8", "surrogateescape")
        from resolver.linux.helper import Blocked

        kept = self._locks.files() if self._locks is not None else ()
        try:
            self._patient().write(path, data, timeout_s, kept)
        except Blocked as problem:
            if self._locks is not None:
                self._locks.leave_to(problem.pid)
            raise self._blocked(f"write to {path}", problem.pid, timeout_s) from None

    def slow_attribute(self, path: str, timeout_s: float = 5.0) -> str | None:
        """Return the text of an attribute that waits for the driver at work.

        :raises BlockedError: it cannot be read in that time.
        """
        if not self.is_live:
            return self.attribute(path)
        from resolver.linux.helper import Blocked

        try:
            data = self._patient().read(path, timeout_s)
        except Blocked as problem:
            raise self._blocked(f"read of {path}", problem.pid, timeout_s) from None
        except OSError as problem:
            if problem.errno in ABSENT:
                return None
            raise
        return text_of(data)

    @contextlib.contextmanager
    def locked(self, names: Iterable[str], timeout_s: float) -> Iterator[None]:
        """Keep other runs of resolver away from what the names stand for.

        :raises FailedError: another one is at work there, and is not done in time.
        :raises OSError: locks cannot be made here.
        """
        if self._locks is None:
            from resolver.linux.locks import Locks

            self._locks = Locks(self.journal, self.proc)
        with self._locks.hold(names, timeout_s):
            yield

    def leave_locks(self, names: Iterable[str], pid: int) -> None:
        """Let locks stay as long as another process lives that has them open."""
        if self._locks is not None:
            self._locks.leave_to(pid, names)

    def lock_holder(self, name: str) -> int | None:
        """Return the process that holds a lock; ``None``: none does, or it is us."""
        if not self.is_live:
            return None
        from resolver.linux.locks import holder, lock_path

        return holder(lock_path(self.journal, name))

    def workers(self, count: int, do: Callable[[int], object]) -> Workers | None:
        """Return processes that share out work; ``None``: there can be none here."""
        if not self._patient().has_processes():
            return None
        from resolver.linux.workers import Workers

        try:
            return Workers(count, do)
        except OSError:
            return None

    def _patient(self) -> Patience:
        if self._patience is None:
            from resolver.linux.deadline import Patience

            self._patience = Patience()
        return self._patience

    def _blocked(self, what: str, pid: int, timeout_s: float) -> BlockedError:
        state, place = self.waiting(pid)
        where = f", in {place}" if place else ""
        return BlockedError(
            f"the {what} has not ended for {timeout_s:g} s: process {pid} waits "
            f"in the kernel (state {state}{where})",
            pid=pid,
            state=state,
            place=place,
        )

    def require_live(self) -> None:
        """Refuse to change a captured host.

        :raises RefusedError: this is one.
        """
        if not self.is_live:
            raise RefusedError(
                "a captured host is only read: nothing was changed",
                rule="captured-host",
                hint="leave --root away, or look with explain",
            )

    def replace_file(self, path: str, data: bytes) -> None:
        """Write a file of our own so that it is there whole or not at all.

        :raises OSError: as the kernel says; no file is left behind.
        """
        from resolver.linux.files import replace_file

        self.require_live()
        replace_file(path, data)

    def remove_file(self, path: str) -> None:
        """Remove a file of our own; it need not be there.

        :raises OSError: as the kernel says.
        """
        from resolver.linux.files import remove_file

        self.require_live()
        remove_file(path)

    def modprobe(self, module: str, timeout_s: float = TIMEOUT_S) -> tuple[int, str]:
        """Ask the system's modprobe for a module.

        ``-b`` lets a blacklist hold for a name as it does for an alias. Exit code
        0 does not mean that the module is loaded.

        :param module: a checked name.
        :return: exit code, and what it said on stderr.
        :raises FailedError: there is no modprobe on PATH.
        :raises BlockedError: it is not done in that time, and still at work.
        """
        from resolver.linux.programs import StillRunning, modprobe

        self.require_live()
        try:
            return modprobe(module, timeout_s)
        except StillRunning as problem:
            what = f"modprobe of {module}"
            raise self._blocked(what, problem.pid, timeout_s) from None

    def wait(self, is_done: Callable[[], bool], timeout_s: float) -> bool:
        """Ask again until it is done or the time is over; return whether it is."""
        deadline = time.monotonic() + timeout_s
        pause_s = 0.001
        while not is_done():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            time.sleep(min(pause_s, left_s))
            pause_s = min(2 * pause_s, 0.1)
        return True

    @contextlib.contextmanager
    def uninterrupted(self) -> Iterator[None]:
        """Let no signal come between the steps of putting a device back."""
        from resolver.linux.signals import held_off

        with held_off():
            yield

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let every signal that would end this process interrupt it instead."""
        from resolver.linux.signals import as_interrupts

        with as_interrupts():
            yield


def discard_stdout() -> None:
    """Send what is still to be printed nowhere: the reader has gone away.

    Without it the interpreter would complain when it flushes stdout at its end.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
