"""The command depmod: compute the indexes of a tree."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass, field
from typing import Final

from simkernel.errors import UsageError
from simkernel.kmod.banner import VERSION, usage
from simkernel.kmod.depmod_indexes import depmod_makers
from simkernel.kmod.depmod_order import ModuleFile
from simkernel.kmod.depmod_scan import read_module, scan
from simkernel.kmod.errno_text import error_text
from simkernel.kmod.files import WritableFiles
from simkernel.kmod.getopt import LongOption, Options
from simkernel.kmod.process import ExitCommand, Process, Severity

__all__ = ["main"]

_SHORT: Final = "aAb:C:E:F:evnP:wmqrVh"
_LONG: Final = {
    "all": LongOption("a"),
    "quick": LongOption("A"),
    "basedir": LongOption("b", True),
    "config": LongOption("C", True),
    "symvers": LongOption("E", True),
    "filesyms": LongOption("F", True),
    "errsyms": LongOption("e"),
    "verbose": LongOption("v"),
    "show": LongOption("n"),
    "dry-run": LongOption("n"),
    "symbol-prefix": LongOption("P", True),
    "warn": LongOption("w"),
    "version": LongOption("V"),
    "help": LongOption("h"),
}
_GIVEN: Final = ("modules.order", "modules.builtin", "modules.builtin.modinfo")


@dataclass(slots=True)
class _Request:
    # What the options ask for.
    root: str = ""
    prints: bool = False
    operands: list[str] = field(default_factory=list)


def main(process: Process) -> int:
    """Run depmod; ``-C``, ``-E``, ``-F``, ``-e``, ``-P`` do nothing.

    With ``-A`` it always computes, whatever the times of the files say.

    Source: tools/depmod.c do_depmod().
    """
    request = _parse(process)
    release = process.context.release
    if request.operands:
        release = request.operands.pop(0)
        if not re.match(r"\s*[+-]?\d+\.\s*[+-]?\d", release, re.ASCII):
            process.log(Severity.ERROR, f"Bad version passed {release}")
            return 1
    directory = f"{request.root}/lib/modules/{release}"
    modules = _modules(process, directory, request.operands)
    given = _given(process, directory)
    makers = depmod_makers(modules, given, process.log)
    for name, make in makers.items():
        if request.prints and name.endswith(".bin"):
            continue
        _warn_of_missing(process, directory, name, given)
        try:
            content = make()
        except UsageError as exc:
            process.log(Severity.ERROR, str(exc))
            return 1
        if request.prints:
            process.print(content.decode("utf-8", "surrogateescape"), end="")
        elif not _write(process, f"{directory}/{name}", content):
            return 1
    return 0


def _parse(process: Process) -> _Request:
    request = _Request()
    options = Options(process, _SHORT, _LONG)
    for flag, value in options:
        match flag:
            case "b":
                request.root = process.absolute(value)
            case "n":
                request.prints = True
            case "m" | "q" | "r":
                process.log(Severity.WARNING, f"Ignored deprecated option -{flag}")
            case "V":
                process.print(VERSION)
                raise ExitCommand(0)
            case "h":
                process.print(usage(process.name))
                raise ExitCommand(0)
    request.operands = options.operands
    return request


def _modules(process: Process, directory: str, paths: list[str]) -> list[ModuleFile]:
    # The modules of the given files, or all below the directory.
    files = process.context.files
    if not paths:
        try:
            return scan(files, directory)
        except OSError as exc:
            reason = error_text(exc.errno or errno.EIO)
            process.log(
                Severity.ERROR, f"could not open directory {directory}: {reason}"
            )
            process.log(Severity.FATAL, f"could not search modules: {reason}")
    for path in paths:
        if not path.startswith("/"):
            process.log(Severity.FATAL, f"{path}: not absolute path.")
        if not files.exists(path):
            reason = error_text(errno.ENOENT)
            process.log(Severity.FATAL, f"could not create module {path}: {reason}")
    return [read_module(files, path, directory) for path in paths]


def _given(process: Process, directory: str) -> dict[str, bytes]:
    # The files that the kernel's build made, as far as they are there.
    found: dict[str, bytes] = {}
    for name in _GIVEN:
        try:
            found[name] = process.context.files.read(f"{directory}/{name}")
        except OSError:
            continue
    if "modules.order" not in found:
        _warn(process, directory, "modules.order")
    return found


def _warn_of_missing(
    process: Process, directory: str, name: str, given: dict[str, bytes]
) -> None:
    # Each input is opened when the first file is made from it.
    needed = {
        "modules.builtin.bin": "modules.builtin",
        "modules.builtin.alias.bin": "modules.builtin.modinfo",
    }.get(name)
    if needed is not None and needed not in given:
        _warn(process, directory, needed)


def _warn(process: Process, directory: str, name: str) -> None:
    reason = error_text(errno.ENOENT)
    process.log(Severity.WARNING, f"could not open {name} at {directory}: {reason}")


def _write(process: Process, path: str, content: bytes) -> bool:
    # False after reporting that it cannot be done.
    files = process.context.files
    number = errno.EROFS
    if isinstance(files, WritableFiles):
        try:
            files.write(path, content)
        except OSError as exc:
            number = exc.errno or errno.EIO
        else:
            return True
    process.log(Severity.ERROR, f"could not write {path}: {error_text(number)}")
    return False
