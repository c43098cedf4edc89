"""Can the file be read?"""

from __future__ import annotations

from typing import Final

from resolver.lint.check import Check, LintFinding
from resolver.lint.module import Unreadable

__all__ = ["CHECKS", "unreadable"]

_UNREADABLE: Final = Check(
    id="unreadable",
    severity="error",
    reason="A file that is no module, or is broken, is loaded by nobody.",
    rule="The kernel checks the tables of the ELF file before anything else.",
    source="Linux, kernel/module/main.c, elf_validity_cache_copy()",
    remedy="Build or copy it anew.",
)
CHECKS: Final = (_UNREADABLE,)


def unreadable(file: Unreadable) -> LintFinding:
    """Return that a file cannot be read."""
    return LintFinding(_UNREADABLE, file.path, "", "", file.why)
