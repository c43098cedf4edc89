"""Run programs of the host."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from resolver.errors import FailedError

__all__ = ["StillRunning", "modprobe"]


_left_running: list[subprocess.Popen[bytes]] = []
"""Programs past their deadline."""


class StillRunning(Exception):
    """A program has not ended in time and still runs.

    :param pid: its process id.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        super().__init__(pid)


def modprobe(
    module: str, timeout_s: float, keep: Sequence[int] = ()
) -> tuple[int, str]:
    """Run the system's ``modprobe -b`` for a module.

    :param module: a checked name.
    :param keep: descriptors, such as locks, for modprobe to keep open.
    :return: exit code, and text on stderr.
    :raises FailedError: modprobe is not on PATH.
    :raises StillRunning: modprobe has not ended after the timeout.
    """
    exit_code, _, said = _run("-b", module, timeout_s, keep)
    return exit_code, said.strip()


def modprobe_steps(module: str, timeout_s: float) -> tuple[int, str]:
    """Run a dry run of the system's ``modprobe -b`` for a module.

    :param module: a checked name.
    :return: exit code, and text on stdout: one line for each step.
    :raises FailedError: modprobe is not on PATH.
    :raises StillRunning: modprobe has not ended after the timeout.
    """
    exit_code, steps, _ = _run("-nvb", module, timeout_s)
    return exit_code, steps


def _run(
    options: str, module: str, timeout_s: float, keep: Sequence[int] = ()
) -> tuple[int, str, str]:
    _reap()
    try:
        running = subprocess.Popen(
            ["modprobe", options, "--", module],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if "n" in options else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=keep,
        )
    except FileNotFoundError:
        raise FailedError(
            f"cannot load module {module}: modprobe is not on PATH",
            hint="install kmod, or add /sbin to PATH",
        ) from None
    try:
        steps, said = running.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _left_running.append(running)
        raise StillRunning(running.pid) from None
    text = (steps or b"").decode("utf-8", "surrogateescape")
    return running.returncode, text, said.decode("utf-8", "replace")


def _reap() -> None:
    for earlier in _left_running[:]:
        if earlier.poll() is None:
            continue
        _left_running.remove(earlier)
        for stream in (earlier.stdout, earlier.stderr):
            if stream is not None:
                stream.close()
