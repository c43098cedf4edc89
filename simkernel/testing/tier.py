"""The interface of a tier in the test kit."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Protocol

from simkernel.errors import UsageError

__all__ = ["TIERS", "RunRequest", "Tier"]

TIERS = ("auto", "fakefs", "fuse")
"""Names that a test may select."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A program to run on a host."""

    argv: Sequence[str]
    input: str | None = None
    env: Mapping[str, str] | None = None
    """The whole environment; None: this process's."""
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
    ) -> RunRequest:
        """Return the request for parameters of ``subprocess.run``.

        :raises UsageError: ``argv`` is empty.
        """
        if not argv:
            raise UsageError("argv is empty: name a program")
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

    def run(self, request: RunRequest) -> subprocess.CompletedProcess[str]:
        """Run a program to its end.

        :raises UsageError: the tier cannot run the program.
        """

    def close(self) -> None:
        """Close the host; nothing of it remains."""
