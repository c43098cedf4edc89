"""Modules that somebody else has built, among stubs that stand for what they need.

Such a module was tied to the real host driver, whose symbols have checksums. A stub's
would be others, and the kernel would refuse the module: so the stub gets none.

Source: Linux, kernel/module/version.c, check_version(): what has no checksum fits.
"""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from simkernel.errors import UsageError
from simkernel.fronts.vm.machine.installed_kernel import require_programs
from simkernel.fronts.vm.modules.symbols import exports, undefined

__all__ = ["Prebuilt", "exported_for", "remove_checksums"]


@dataclass(frozen=True, slots=True)
class Prebuilt:
    """A module that was prebuilt."""

    path: Path
    """Its file, not compressed."""
    depends: tuple[str, ...]
    """What the scenario says that it needs."""


def exported_for(
    prebuilt: Collection[Prebuilt], owners: Mapping[str, str], stubs: Collection[str]
) -> dict[str, set[str]]:
    """Return what stubs must export for prebuilt modules: stub to symbols.

    A symbol that no module of the kernel has is the first stub's that the module
    depends on; without one, it is left to the kernel to refuse the module.

    :param owners: what the kernel's own modules export: symbol to module.
    :raises UsageError: a file is no module.
    """
    require_programs("nm")
    found: dict[str, set[str]] = {}
    try:
        theirs = {symbol for one in prebuilt for symbol in exports(one.path)}
        needed = [(one, undefined(one.path)) for one in prebuilt]
    except subprocess.CalledProcessError:
        names = ", ".join(one.path.name for one in prebuilt)
        raise UsageError(f"nm cannot read {names}: no kernel module") from None
    for one, symbols in needed:
        lenders = [name for name in one.depends if name in stubs]
        for symbol in symbols - theirs:
            owner = owners.get(symbol, lenders[0] if lenders else "")
            if owner in stubs:
                found.setdefault(owner, set()).add(symbol)
    return found


def remove_checksums(module: Path) -> None:
    """Take the checksums of what a module exports out of its file."""
    require_programs("objcopy")
    words: list[str | Path] = ["objcopy", "-R", "__kcrctab", "-R", "__kcrctab_gpl"]
    subprocess.run([*words, module], check=True)
