"""The command insmod: load one file."""

from __future__ import annotations

import errno
from typing import Final

from simkernel.kmod.banner import VERSION, usage
from simkernel.kmod.errno_text import error_text
from simkernel.kmod.getopt import LongOption, Options
from simkernel.kmod.library import Library
from simkernel.kmod.parameters import join_parameters
from simkernel.kmod.probe import insert_module
from simkernel.kmod.process import ExitCommand, Process, Severity

__all__ = ["main"]

_LONG: Final = {"version": LongOption("V"), "help": LongOption("h")}
_REASONS: Final = {
    errno.ENOEXEC: "Invalid module format",
    errno.ENOENT: "Unknown symbol in module",
    errno.ESRCH: "Module has wrong symbol version",
    errno.EINVAL: "Invalid parameters",
}


def main(process: Process) -> int:
    """Run insmod, which ignores ``modprobe.d``.

    Source: tools/insmod.c do_insmod().
    """
    options = Options(process, "psfVh", _LONG)
    for flag, _ in options:
        if flag == "V":
            process.print(VERSION)
            raise ExitCommand(0)
        if flag == "h":
            process.print(usage(process.name))
            raise ExitCommand(0)
    if not options.operands:
        process.log(Severity.ERROR, "missing filename.")
        return 1
    path, *parameters = options.operands
    if path == "-":
        text = "this tool does not support loading from stdin!"
        process.log(Severity.ERROR, text)
        return 1
    library = Library(process, config_paths=())
    try:
        module = library.module_from_path(path)
    except OSError as exc:
        reason = error_text(exc.errno or errno.EIO)
        process.log(Severity.ERROR, f"could not load module {path}: {reason}")
        return 1
    error = insert_module(library, module, join_parameters(parameters))
    if error:
        reason = _REASONS.get(error) or error_text(error)
        process.log(Severity.ERROR, f"could not insert module {path}: {reason}")
    return 1 if error else 0
