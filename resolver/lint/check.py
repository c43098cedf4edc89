"""A check, its findings, and its context. Pure: values only."""

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
host or the tool; ``note``: for information."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check; docs/lint.md has a section for each."""

    id: str
    """Stable name."""
    severity: Severity
    reason: str
    """The fault and its effect, one line."""
    rule: str
    """The rule of the kernel or of user space behind it."""
    source: str
    """Source of the rule."""
    remedy: str
    """How to fix it."""
    needs_kernel: bool = False
    """The check needs a kernel to compare with."""

    def found(
        self, module: Module, about: str, message: str, line: int = 0
    ) -> LintFinding:
        """Return a finding about a module."""
        return LintFinding(self, module.path, module.name, about, message, line)


@dataclass(frozen=True, slots=True)
class LintFinding:
    """A fault, and its place."""

    check: Check
    path: str
    """File; ``-`` for stdin."""
    module: str
    """Name of the module; empty if the file is not a module."""
    about: str
    """The alias, driver or dependency; stable when the message changes."""
    message: str
    """One line."""
    line: int = 0
    """Line of the file, from 1; 0 without lines."""
    device: str = ""
    """Name of the affected device; empty if unknown."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Identity of the finding, independent of the directory of the file."""
        return self.check.id, self.module or self.path, self.about


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything that a module is compared with."""

    kernel: Kernel | None = None
    rivals: Rivals = field(default_factory=lambda: Rivals(()))
    """The VFIO aliases of all checked modules, and of the kernel."""
    together: frozenset[str] = frozenset()
    """Names of all checked modules."""
    names: Names = field(default_factory=Names)
    """Names of vendors and devices."""
