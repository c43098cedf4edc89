"""Check that a file can be read."""

from __future__ import annotations

from typing import Final

from resolver.lint.check import Check, LintFinding
from resolver.lint.module import Unreadable

__all__ = ["CHECKS", "unreadable"]

_UNREADABLE: Final = Check(
    id="unreadable",
    severity="error",
    reason="The kernel cannot load a file that is not a module, or is broken.",
    rule="The kernel checks the tables of the ELF file first.",
    source="Linux, kernel/module/main.c, elf_validity_cache_copy()",
    remedy="Build or copy the file again.",
)
CHECKS: Final = (_UNREADABLE,)


def unreadable(file: Unreadable) -> LintFinding:
    """Return the finding about an unreadable file."""
    return LintFinding(_UNREADABLE, file.path, "", "", file.why)
