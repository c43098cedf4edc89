"""The machine's udevd on the simulated host."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from simkernel.fronts.fuse.sandbox.process import SandboxProcess
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
"""Arguments of udevadm at boot (systemd's units/systemd-udev-trigger.service)."""


class _Host(Protocol):
    """A host that starts programs and waits for them."""

    def start(
        self, argv: Sequence[str], *, folder: str, streams: tuple[int, int, int]
    ) -> SandboxProcess: ...

    def wait(self, process: SandboxProcess) -> int: ...


def start_udev(host: _Host) -> None:
    """Start udevd, and wait for its coldplug.

    :raises UnavailableError: udevd is not installed or does not start.
    """
    daemon = next((path for path in _DAEMONS if os.path.exists(path)), None)
    if daemon is None or shutil.which("udevadm") is None:
        raise UnavailableError(
            "--udev needs udevd, which is not installed",
            "run apt-get install udev (Debian)",
        )
    with _null_streams() as streams:
        for words in ([daemon, "--daemon"], *(("udevadm", *one) for one in _COLDPLUG)):
            code = host.wait(host.start(words, folder="/", streams=streams))
            if code:
                raise UnavailableError(
                    f"{' '.join(words)} failed on the simulated host: exit code {code}",
                    "run it by hand: simkernel run --via fuse SCENARIO -- sh",
                )


@contextmanager
def _null_streams() -> Iterator[tuple[int, int, int]]:
    """Yield streams for a program without input and output."""
    null = os.open(os.devnull, os.O_RDWR)
    try:
        yield null, null, null
    finally:
        os.close(null)
