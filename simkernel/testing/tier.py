"""What a tier must do for a test, and which one a test gets."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Protocol

from simkernel.errors import UsageError

__all__ = ["TIERS", "Command", "Tier"]

TIERS = ("auto", "fakefs", "fuse")
"""What a test may ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program to be run on a host."""

    argv: Sequence[str]
    input: str | None = None
    env: Mapping[str, str] | None = None
    """Its whole environment; None: this process's."""
    cwd: Path
    timeout_s: float | None = None

    @classmethod
    def of(
        cls,
        argv: Sequence[str | PathLike[str]],
        text: str | None,
        env: Mapping[str, str] | None,
        cwd: str | PathLike[str] | None,
        timeout_s: float | None,
    ) -> Command:
        """Return what the parameters of ``subprocess.run`` describe.

        :raises UsageError: no program is named.
        """
        if not argv:
            raise UsageError("name a program")
        return cls(
            argv=[fspath(word) for word in argv],
            input=text,
            env=env,
            cwd=Path.cwd() if cwd is None else Path(cwd).resolve(),
            timeout_s=timeout_s,
        )


class Tier(Protocol):
    """A host on one tier."""

    name: str

    def kernel_lock(self) -> AbstractContextManager[object]:
        """Hold the kernel lock, which programs wait for meanwhile."""

    def run(self, command: Command) -> subprocess.CompletedProcess[str]:
        """Run a program to its end.

        :raises UsageError: this tier cannot run it.
        """

    def close(self) -> None:
        """Let go of the host; nothing of it remains."""
