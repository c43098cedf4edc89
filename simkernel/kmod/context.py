"""The context and the result of a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simkernel.kmod.files import Files, ModuleSyscalls

__all__ = ["CommandResult", "Context"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The host on which a command runs."""

    files: Files
    """Its file system: ``/sys``, ``/proc``, ``/lib/modules``, ``/etc/modprobe.d``."""
    syscalls: ModuleSyscalls
    """Its system calls; called only if user ``uid`` has the privilege."""
    release: str
    """Kernel release, as ``uname -r`` prints it."""
    uid: int = 0
    """User id; unless it is 0, both system calls fail with EPERM."""
    directory: str = "/"
    """Working directory, absolute."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables; ``MODPROBE_OPTIONS`` is one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """The result of a command."""

    returncode: int
    """Exit status, 0 to 255."""
    stdout: bytes
    """Standard output, as read from a pipe."""
    stderr: bytes
    """Standard error."""
