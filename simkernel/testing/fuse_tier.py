"""A test's host on the fuse tier: any program."""

from __future__ import annotations

import subprocess
from contextlib import AbstractContextManager

from simkernel.errors import UsageError
from simkernel.scenario.host import Host
from simkernel.testing.tier import Command

__all__ = ["FuseTier", "missing"]


def missing() -> str:
    """Return what this machine lacks for the fuse tier; empty: nothing."""
    return "this version of simkernel has no fuse tier"


class FuseTier:
    """A host on the fuse tier."""

    name = "fuse"

    def __init__(self, host: Host) -> None:
        reason = missing()
        if reason:
            raise UsageError(f"via='fuse': {reason}")

    def turn(self) -> AbstractContextManager[object]:
        """Keep programs from the kernel while a test deals with it."""
        raise NotImplementedError

    def run(self, command: Command) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the host."""
