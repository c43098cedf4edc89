"""What a check is, what it finds, and what it may look at.

Pure: values only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from resolver.lint.kernel import Kernel
from resolver.lint.module import Module
from resolver.lint.names import Names
from resolver.lint.rivals import Rivals

__all__ = ["Check", "Context", "LintFinding", "Severity"]

Severity = Literal["error", "warning", "note"]
"""``error``: a device gets the wrong driver, or none; ``warning``: that depends on the
host or the tool; ``note``: good to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that is looked at; docs/lint.md is made of these."""

    id: str
    """Stable name."""
    severity: Severity
    reason: str
    """Why it is looked at, one line."""
    rule: str
    """What the kernel, or who asks it, does."""
    source: str
    """Where that can be read."""
    remedy: str
    """What to do about it."""
    needs_kernel: bool = False
    """It is only looked at where there is a kernel to compare with."""

    def found(
        self, module: Module, about: str, message: str, line: int = 0
    ) -> LintFinding:
        """Return what was found in a module."""
        return LintFinding(self, module.path, module.name, about, message, line)


@dataclass(frozen=True, slots=True)
class LintFinding:
    """What is wrong, and where."""

    check: Check
    path: str
    """File; ``-``: stdin."""
    module: str
    """Name of the module; empty: the file is none."""
    about: str
    """Which of its aliases, drivers, dependencies; it stays when the text changes."""
    message: str
    """One line."""
    line: int = 0
    """Line of the file, from 1; 0: it has no lines."""
    device: str = ""
    """What the device that it is about is called."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from others, wherever the file lies."""
        return self.check.id, self.module or self.path, self.about


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What there is to compare a module with."""

    kernel: Kernel | None = None
    rivals: Rivals = field(default_factory=lambda: Rivals(()))
    """The VFIO aliases of all modules that are looked at, and of the kernel."""
    together: frozenset[str] = frozenset()
    """Names of all modules that are looked at."""
    names: Names = field(default_factory=Names)
    """What vendors and devices are called."""
