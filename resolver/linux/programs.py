"""Run programs of the host."""

from __future__ import annotations

import subprocess

from resolver.errors import FailedError

__all__ = ["StillRunning", "modprobe"]


class StillRunning(Exception):
    """A program has not ended in time and still runs.

    :param pid: its process id.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        super().__init__(pid)


def modprobe(module: str, timeout_s: float) -> tuple[int, str]:
    """Run the system's ``modprobe -b`` for a module.

    :param module: a checked name.
    :return: exit code, and text on stderr.
    :raises FailedError: modprobe is not on PATH.
    :raises StillRunning: modprobe has not ended after the timeout.
    """
    try:
        running = subprocess.Popen(
            ["modprobe", "-b", "--", module],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        raise FailedError(
            f"cannot load module {module}: modprobe is not on PATH",
            hint="install kmod, or add /sbin to PATH",
        ) from None
    try:
        said: bytes = running.communicate(timeout=timeout_s)[1]
    except subprocess.TimeoutExpired:
        raise StillRunning(running.pid) from None
    return running.returncode, said.decode("utf-8", "replace").strip()
