"""Links prebuilt modules to the stubs that replace their dependencies.

A prebuilt module has checksums for the symbols of the real host driver. The
checksums of a stub would differ, and the kernel would refuse the module. So the
stub's checksums are removed.

Source: Linux, kernel/module/version.c, check_version(): a symbol without checksum
matches.
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
    """A module that was built elsewhere."""

    path: Path
    """Its uncompressed file."""
    depends: tuple[str, ...]
    """Its dependencies in the scenario."""


def exported_for(
    prebuilt: Collection[Prebuilt], owners: Mapping[str, str], stubs: Collection[str]
) -> dict[str, set[str]]:
    """Return the symbols that stubs must export for prebuilt modules, by stub.

    A symbol of no kernel module is exported by the first stub among the
    dependencies. Without a stub, the kernel refuses the module.

    :param owners: exports of the kernel's own modules: symbol to module.
    :raises UsageError: a file is not a kernel module.
    """
    require_programs("nm")
    found: dict[str, set[str]] = {}
    try:
        theirs = {symbol for one in prebuilt for symbol in exports(one.path)}
        needed = [(one, undefined(one.path)) for one in prebuilt]
    except subprocess.CalledProcessError:
        names = ", ".join(one.path.name for one in prebuilt)
        raise UsageError(f"nm cannot read {names}: not a kernel module") from None
    for one, symbols in needed:
        lenders = [name for name in one.depends if name in stubs]
        for symbol in symbols - theirs:
            owner = owners.get(symbol, lenders[0] if lenders else "")
            if owner in stubs:
                found.setdefault(owner, set()).add(symbol)
    return found


def remove_checksums(module: Path) -> None:
    """Remove the checksums of exported symbols from a module's file."""
    require_programs("objcopy")
    words: list[str | Path] = ["objcopy", "-R", "__kcrctab", "-R", "__kcrctab_gpl"]
    subprocess.run([*words, module], check=True)
