"""Runs of a command that are killed at one of the calls by which they change something.

In one process, on a simulated host, being killed is an exception that every later call
raises again, so that nothing can be tidied up. As a program of its own, on hosts where
processes are real, ``python -m tests.killed DEVICE`` runs every command in a process of
its own, which SIGKILL ends with all its children, and prints what came of it.
"""

from __future__ import annotations

import itertools
import json
import mmap
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["CALLS", "Counter", "Killed", "SharedCounter", "killed_at"]

CALLS = ("ftruncate", "mkdir", "open", "rename", "rmdir", "unlink", "write")
"""Functions of ``os`` that change files; ``open`` if it makes one."""


class Killed(BaseException):
    """The process is no more; no ``except Exception`` goes on without it."""


class Counter:
    """Counts changing calls, and kills at one of them.

    :param at: number of the call before which to kill, from 1; 0: none.
    :param halfway: the call is a write, and half of it is done.
    """

    def __init__(self, at: int = 0, *, halfway: bool = False) -> None:
        self.at = at
        self.halfway = halfway
        self.count = 0
        self.has_killed = False
        self.seen: list[str] = []
        """The calls, as strace would show them."""

    def next(self, what: str) -> bool:
        """Count a call and return whether it is the one."""
        if self.at and self.count >= self.at:
            self.kill()
        self.count += 1
        self.seen.append(what)
        return self.count == self.at

    def kill(self) -> None:
        """End the process.

        :raises Killed: always.
        """
        self.has_killed = True
        raise Killed


class SharedCounter(Counter):
    """Counts for a process and all that it starts, and kills all of them."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self._memory = mmap.mmap(-1, 1024)

    def next(self, what: str) -> bool:
        """Count a call and return whether it is the one."""
        count = struct.unpack_from("q", self._memory)[0] + 1
        struct.pack_into("q256p", self._memory, 0, count, what.encode()[:255])
        return bool(count == self.at)

    def last(self) -> str:
        """Return the last call that any of the processes made."""
        text: bytes = struct.unpack_from("q256p", self._memory)[1]
        return text.decode()

    def kill(self) -> None:
        """End every process of the group."""
        os.killpg(0, signal.SIGKILL)


@contextmanager
def killed_at(counter: Counter) -> Iterator[None]:
    """Let a counter see the changing calls of this thread while the block runs."""
    paths: dict[int, str] = {}
    ours = threading.get_ident()
    originals = {name: getattr(os, name) for name in CALLS}
    popen = subprocess.Popen

    def watching(name: str) -> Callable[..., Any]:
        original = originals[name]

        def call(*arguments: Any, **more: Any) -> Any:
            if threading.get_ident() != ours:
                return original(*arguments, **more)
            if name != "open":
                _meet(counter, name, arguments, paths, original)
                return original(*arguments, **more)
            if arguments[1] & os.O_CREAT:
                _meet(counter, name, arguments, paths, original)
            descriptor = original(*arguments, **more)
            paths[descriptor] = os.fspath(arguments[0])
            return descriptor

        return call

    def start(words: Any, *arguments: Any, **more: Any) -> Any:
        if counter.next(f"execve({' '.join(map(str, words))})"):
            counter.kill()
        return popen(words, *arguments, **more)

    for name in CALLS:
        setattr(os, name, watching(name))
    subprocess.Popen = start  # type: ignore[assignment,misc]  # called, never derived from
    try:
        yield
    finally:
        subprocess.Popen = popen  # type: ignore[misc]  # put back
        for name, original in originals.items():
            setattr(os, name, original)


def _meet(
    counter: Counter,
    name: str,
    arguments: tuple[Any, ...],
    paths: dict[int, str],
    original: Callable[..., Any],
) -> None:
    first = arguments[0]
    path = paths.get(first, f"file {first}") if isinstance(first, int) else first
    text = f", {bytes(arguments[1])[:24]!r}" if name == "write" else ""
    if not counter.next(f"{name}({path}{text})"):
        return
    if counter.halfway and name == "write":
        original(first, bytes(arguments[1])[: len(arguments[1]) // 2])
    counter.kill()


def _in_child(counter: SharedCounter, words: list[str]) -> int:
    """Run ``resolver`` in a group of processes of its own; return its wait status."""
    from resolver.cli import run

    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        with killed_at(counter):
            code = run(words)
        os._exit(code)
    return os.waitpid(child, 0)[1]


def _tree() -> dict[str, str]:
    """Return every path of the kernel's trees that a bind can change."""
    found: dict[str, str] = {}
    for top in ("/sys", "/dev/vfio"):
        for folder, folders, files in os.walk(top):
            for name in (*folders, *files):
                path = os.path.join(folder, name)
                found[path] = _content(path)
    return found


def _content(path: str) -> str:
    if os.path.islink(path):
        return os.readlink(path)
    if not os.path.isfile(path):
        return ""
    try:
        with open(path, "rb") as file:
            return file.read().decode("latin-1")
    except OSError as problem:
        return f"errno {problem.errno}"


def main() -> None:
    """Kill ``bind``, ``unbind`` and ``restore`` everywhere; print JSON lines."""
    device = sys.argv[1]
    before = _tree()
    for command in ("bind", "unbind", "restore"):
        for at in itertools.count(1):
            if command == "restore":
                _in_child(SharedCounter(0), ["bind", device])
            counter = SharedCounter(at)
            status = _in_child(counter, [command, device])
            restored = _in_child(SharedCounter(0), ["restore", "--all"])
            row = {
                "command": command,
                "call": counter.last(),
                "was_killed": os.WIFSIGNALED(status),
                "is_restored": restored == 0 and _tree() == before,
            }
            print(json.dumps(row), flush=True)
            if not os.WIFSIGNALED(status):
                break


if __name__ == "__main__":
    main()
