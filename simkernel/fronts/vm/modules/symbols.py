"""Symbols that modules export and need."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel

__all__ = ["exported", "exports", "first_export", "mentioned", "undefined"]


def exported(kernel: InstalledKernel) -> dict[str, str]:
    """Return the exports of the kernel's own modules: symbol to module.

    The kernel itself is ``vmlinux``. Source: scripts/mod/modpost.c write_dump():
    checksum, symbol, module, kind, namespace.
    """
    return {symbol: owner for symbol, (owner, _) in _table(kernel.headers).items()}


def first_export(kernel: InstalledKernel, module: str) -> str | None:
    """Return a symbol of a module outside namespaces; None if it has none."""
    names = [
        symbol
        for symbol, (owner, namespace) in _table(kernel.headers).items()
        if owner == module and not namespace
    ]
    return min(names, default=None)


@lru_cache(maxsize=4)
def _table(headers: Path) -> dict[str, tuple[str, str]]:
    """Return symbol to module and namespace."""
    found = {}
    text = (headers / "Module.symvers").read_text("ascii")
    for line in text.splitlines():
        _, symbol, path, _, namespace = [*line.split("\t"), ""][:5]
        name = path.rpartition("/")[2].replace("-", "_")
        found[symbol] = name, namespace
    return found


def undefined(module: Path) -> set[str]:
    """Return the undefined symbols of a module's file."""
    ran = subprocess.run(
        ["nm", "-u", "-j", module], stdout=subprocess.PIPE, check=True, text=True
    )
    return set(ran.stdout.split())


def exports(module: Path) -> set[str]:
    """Return the exported symbols of a module's file.

    Source: include/linux/export.h: ``__ksymtab_`` and the symbol.
    """
    ran = subprocess.run(
        ["nm", "-j", module], stdout=subprocess.PIPE, check=True, text=True
    )
    start = "__ksymtab_"
    names = [one for one in ran.stdout.split() if one.startswith(start)]
    return {one.removeprefix(start) for one in names}


def mentioned(files: Iterable[bytes], symbols: Iterable[str]) -> set[str]:
    """Return those symbols that occur as words in C sources."""
    table = bytes(
        byte if chr(byte).isalnum() or byte == ord("_") else ord(" ")
        for byte in range(256)
    )
    words = {word for data in files for word in data.translate(table).split()}
    return {one for one in symbols if one.encode() in words}
