"""The machine's own udevd, running on the simulated host."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from simkernel.fronts.fuse.sandbox.process import Process
from simkernel.fronts.fuse.sandbox.requirements import UnavailableError

__all__ = ["start_udev"]

_DAEMONS = (
    "/usr/lib/systemd/systemd-udevd",
    "/lib/systemd/systemd-udevd",
    "/usr/sbin/udevd",
)
_COLDPLUG = (
    ("trigger", "--type=subsystems", "--action=add"),
    ("trigger", "--type=devices", "--action=add"),
    ("settle", "--timeout=60"),
)
"""What a system does at its start (systemd's units/systemd-udev-trigger.service)."""


class _Starts(Protocol):
    """A host on which programs can be started and waited for."""

    def start(
        self, argv: Sequence[str], *, folder: str, streams: tuple[int, int, int]
    ) -> Process: ...

    def wait(self, process: Process) -> int: ...


def start_udev(host: _Starts) -> None:
    """Start udevd, and have it see to the devices that are there.

    :raises UnavailableError: the machine has none, or it does not start.
    """
    daemon = next((path for path in _DAEMONS if os.path.exists(path)), None)
    if daemon is None or shutil.which("udevadm") is None:
        raise UnavailableError(
            "--udev starts this machine's udevd, and it has none",
            "install it (Debian: apt-get install udev)",
        )
    with _nowhere() as streams:
        for words in ([daemon, "--daemon"], *(("udevadm", *one) for one in _COLDPLUG)):
            code = host.wait(host.start(words, folder="/", streams=streams))
            if code:
                raise UnavailableError(
                    f"on the simulated host, {' '.join(words)} failed with {code}",
                    "run it there by hand: simkernel run --via fuse SCENARIO -- sh",
                )


@contextmanager
def _nowhere() -> Iterator[tuple[int, int, int]]:
    """Yield streams of a program of which nobody wants to see anything."""
    null = os.open(os.devnull, os.O_RDWR)
    try:
        yield null, null, null
    finally:
        os.close(null)
