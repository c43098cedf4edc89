"""The host: kernel files, files of resolver, locks, processes."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from resolver.errors import BlockedError, RefusedError, UsageError
from resolver.linux.observer import Observer
from resolver.linux.paths import MODPROBE_D, MODULES
from resolver.linux.reading import ABSENT, text_of
from resolver.linux.streams import reserve_standard

if TYPE_CHECKING:
    from resolver.linux.deadline import SlowCalls
    from resolver.linux.locks import Locks
    from resolver.linux.workers import Workers

__all__ = ["TIMEOUT_S", "Host"]

_Answer = TypeVar("_Answer")

_DRY_RUN_S = 5.0
_KEEP_S = 10.0

TIMEOUT_S = 30.0
"""Default time to wait for a driver, a module or a lock."""


class Host(Observer):
    """A Linux host, running or captured; ``Places`` has the parameters."""

    @classmethod
    def below(cls, root: str) -> Host:
        """Return the host with its file system at ``root``.

        ``/`` is the running host.

        :raises UsageError: the directory does not exist.
        """
        if not os.path.isdir(root):
            raise UsageError(f"{root}: no such directory")
        base = os.path.realpath(root).rstrip("/")
        return cls(
            sys=f"{base}/sys",
            proc=f"{base}/proc",
            modules=tuple(f"{base}{place}" for place in MODULES),
            etc=f"{base}/etc",
            run=f"{base}/run",
            dev=f"{base}/dev",
            modprobe_d=tuple(f"{base}{place}" for place in MODPROBE_D),
            udev_rules=(f"{base}/usr/lib/udev/rules.d", f"{base}/lib/udev/rules.d"),
            is_live=not base,
            root=base,
        )

    def is_writable(self, path: str) -> bool:
        """Return whether this process can open a file for writing.

        Permission bits are not enough: the file system may be read-only.
        """
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CLOEXEC))
        except OSError:
            return False
        return True

    def write(self, path: str, text: str, *, timeout_s: float = TIMEOUT_S) -> None:
        """Write a text to a kernel file, in one write, by a helper process.

        The file is opened without O_CREAT: a wrong name is an error, never a new file.
        The helper keeps the present locks until the write has returned.

        :raises OSError: the error of the system call.
        :raises BlockedError: the write has not returned after the timeout.
        :raises RefusedError: the host is a captured one.
        """
        self.require_live()
        data = text.encode("utf-8", "surrogateescape")
        from resolver.linux.helper import Blocked

        kept = self._locks.files() if self._locks is not None else ()
        try:
            self._calls().write(path, data, timeout_s, kept)
        except Blocked as problem:
            if self._locks is not None:
                self._locks.leave_to(problem.pid)
            raise self._blocked(f"write to {path}", problem.pid, timeout_s) from None

    def slow_attribute(self, path: str, timeout_s: float = 5.0) -> str | None:
        """Return the text of an attribute whose read can wait for a driver.

        :raises BlockedError: the read has not returned after the timeout.
        """
        if not self.is_live:
            return self.attribute(path)
        from resolver.linux.helper import Blocked

        try:
            data = self._calls().read(path, timeout_s)
        except Blocked as problem:
            raise self._blocked(f"read of {path}", problem.pid, timeout_s) from None
        except OSError as problem:
            if problem.errno in ABSENT:
                return None
            raise
        return text_of(data)

    @contextlib.contextmanager
    def locked(self, names: Iterable[str], timeout_s: float) -> Iterator[None]:
        """Hold locks against other runs of resolver.

        :raises FailedError: another process still holds a lock after the timeout.
        :raises OSError: a lock file cannot be created.
        """
        with self._all_locks().hold(names, timeout_s):
            yield

    @contextlib.contextmanager
    def claimed(self, names: Iterable[str], timeout_s: float) -> Iterator[None]:
        """Keep other runs from these locks; the workers of this run can hold them.

        :raises FailedError: another process still holds a lock after the timeout.
        :raises OSError: the claim cannot be written.
        """
        with self._all_locks().claim(names, timeout_s):
            yield

    def _all_locks(self) -> Locks:
        if self._locks is None:
            from resolver.linux.locks import Locks

            reserve_standard()
            self._locks = Locks(self.journal, self.proc)
        return self._locks

    def lock_holder(self, name: str) -> int | None:
        """Return the other process that holds a lock, if any."""
        if not self.is_live:
            return None
        from resolver.linux.locks import holder

        return holder(self.journal, name)

    def workers(self, count: int, do: Callable[[int], object]) -> Workers | None:
        """Return a pool of processes; ``None`` if none can be started."""
        if not self._calls().has_processes():
            return None
        from resolver.linux.workers import Workers, may_have_children

        if not may_have_children():
            return None

        try:
            return Workers(count, do)
        except OSError:
            return None

    def _calls(self) -> SlowCalls:
        if self._slow_calls is None:
            from resolver.linux.deadline import SlowCalls

            reserve_standard()
            self._slow_calls = SlowCalls()
        return self._slow_calls

    def _blocked(self, what: str, pid: int, timeout_s: float) -> BlockedError:
        state, place = self.waiting(pid)
        where = f", in {place}" if place else ""
        return BlockedError(
            f"the {what} has not returned for {timeout_s:g} s: process {pid} waits "
            f"in the kernel (state {state}{where})",
            pid=pid,
            state=state,
            place=place,
        )

    def require_live(self) -> None:
        """Refuse to change a captured host.

        :raises RefusedError: the host is a captured one.
        """
        if not self.is_live:
            raise RefusedError(
                "cannot change a captured host",
                rule="captured-host",
                hint="run it without --root, or use `resolver explain`",
            )

    def replace_file(self, path: str, data: bytes) -> None:
        """Write a file of resolver atomically, readable for every user.

        :raises OSError: the error of the system call; no new file is left.
        """
        from resolver.linux.files import replace_file

        self.require_live()
        replace_file(path, data, is_public=True)

    def remove_file(self, path: str) -> None:
        """Remove a file of resolver, if it exists.

        :raises OSError: the error of the system call.
        """
        from resolver.linux.files import remove_file

        self.require_live()
        remove_file(path)

    def modprobe(self, module: str, timeout_s: float = TIMEOUT_S) -> tuple[int, str]:
        """Load a module with the system's modprobe.

        After the timeout, modprobe keeps the present locks until it ends.

        With ``-b``, a blacklist applies to names, too. Exit code 0 does not mean that
        the module is loaded.

        :param module: a checked name.
        :return: exit code, and text on stderr.
        :raises FailedError: modprobe is not on PATH.
        :raises BlockedError: modprobe still runs after the timeout.
        """
        from resolver.linux.programs import StillRunning, modprobe

        self.require_live()
        try:
            return modprobe(module, timeout_s, self._all_locks().files())
        except StillRunning as problem:
            self._all_locks().leave_to(problem.pid)
            what = f"modprobe of {module}"
            raise self._blocked(what, problem.pid, timeout_s) from None

    def modprobe_steps(self, module: str) -> tuple[int, str]:
        """Return the steps of ``modprobe -b``, from its dry run.

        :param module: a checked name.
        :return: exit code, and one line a step.
        :raises FailedError: modprobe is not on PATH.
        :raises BlockedError: modprobe still runs after 5 s.
        """
        from resolver.linux.programs import StillRunning, modprobe_steps

        try:
            return modprobe_steps(module, _DRY_RUN_S)
        except StillRunning as problem:
            what = f"dry run of modprobe for {module}"
            raise self._blocked(what, problem.pid, _DRY_RUN_S) from None

    def kept(self, key: object, make: Callable[[], _Answer]) -> _Answer:
        """Return an answer about the host that is at most 10 seconds old.

        A command over thousands of devices asks once, and a program that uses resolver
        as a library sees changes.
        """
        when, answer = self._answers.get(key, (-_KEEP_S, None))
        if time.monotonic() - when >= _KEEP_S:
            answer = make()
            self._answers[key] = (time.monotonic(), answer)
        return answer  # type: ignore[return-value]

    def wait(self, is_done: Callable[[], bool], timeout_s: float) -> bool:
        """Poll until a condition holds; return whether it holds."""
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
        """Ignore signals while steps are rolled back."""
        from resolver.linux.signals import held_off

        with held_off():
            yield

    @contextlib.contextmanager
    def until_reported(self) -> Iterator[None]:
        """Make a change and report it; signals wait after ``hold_signals``."""
        from resolver.linux.signals import until_reported

        with until_reported():
            yield

    def hold_signals(self) -> None:
        """Let signals wait until the result is reported: it is final."""
        from resolver.linux.signals import hold

        hold()

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Turn every signal that would end this process into an interrupt."""
        from resolver.linux.signals import as_interrupts

        with as_interrupts():
            yield
