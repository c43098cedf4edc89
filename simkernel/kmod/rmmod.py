"""The command rmmod: unload modules by name, nothing more."""

from __future__ import annotations

import errno
from typing import Final

from simkernel.kmod.banner import VERSION, usage
from simkernel.kmod.errno_text import error_text
from simkernel.kmod.getopt import LongOption, Options
from simkernel.kmod.kernel_state import holders, init_state, reference_count
from simkernel.kmod.library import Library
from simkernel.kmod.modprobe_remove import delete_module
from simkernel.kmod.module import InitState, KmodModule
from simkernel.kmod.process import ExitCommand, Process, Severity

__all__ = ["main"]

_LONG: Final = {
    "force": LongOption("f"),
    "syslog": LongOption("s"),
    "verbose": LongOption("v"),
    "version": LongOption("V"),
    "help": LongOption("h"),
}


def main(process: Process) -> int:
    """Run rmmod, which ignores ``modprobe.d``.

    Source: tools/rmmod.c do_rmmod().
    """
    force = False
    verbosity: int = Severity.ERROR
    options = Options(process, "fsvVwh", _LONG)
    for flag, _ in options:
        match flag:
            case "f":
                force = True
            case "s":
                process.to_syslog = True
            case "v":
                verbosity += 1
            case "V":
                process.print(VERSION)
                raise ExitCommand(0)
            case "h":
                process.print(usage(process.name))
                raise ExitCommand(0)
            case "w":
                # Known to the table of letters, but not to the tool.
                text = "unexpected getopt_long() value 'w'."
                process.log(Severity.ERROR, text)
                raise ExitCommand(1)
    if not options.operands:
        process.log(Severity.ERROR, "missing module name.")
        return 1
    library = Library(process, config_paths=())
    process.severity = Severity(min(verbosity, Severity.INFO))
    return 0 if _remove_all(library, options.operands, force=force) else 1


def _remove_all(library: Library, texts: list[str], *, force: bool) -> bool:
    # Each in turn; what cannot be used as a module at all ends the command, without
    # being a failure.
    succeeded = True
    for text in texts:
        try:
            module = _module(library, text)
        except OSError as exc:
            reason = error_text(exc.errno or errno.EIO)
            library.process.log(
                Severity.ERROR, f"could not use module {text}: {reason}"
            )
            break
        if not force and _is_in_use(library, module):
            succeeded = False
            continue
        error = delete_module(library, module, force=force)
        if error:
            reason = error_text(error)
            library.process.log(
                Severity.ERROR, f"could not remove module {text}: {reason}"
            )
            succeeded = False
    return succeeded


def _module(library: Library, text: str) -> KmodModule:
    # A file that exists gives its name, everything else is a name.
    if library.files.exists(library.process.absolute(text)):
        return library.module_from_path(text)
    return library.module_from_name(text)


def _is_in_use(library: Library, module: KmodModule) -> bool:
    # Report what stands in the way of unloading, if anything does.
    # Source: tools/rmmod.c check_module_inuse().
    process = library.process
    state = init_state(library, module)
    if state is InitState.BUILTIN:
        process.log(Severity.ERROR, f"Module {module.name} is builtin.")
        return True
    if state is None:
        process.log(Severity.ERROR, f"Module {module.name} is not currently loaded")
        return True
    users = holders(library, module)
    if users:
        names = "".join(f" {each.name}" for each in users)
        process.log(Severity.ERROR, f"Module {module.name} is in use by:", end="")
        process.write_error(f"{names}\n")
        return True
    count = reference_count(library, module)
    if count > 0:
        process.log(Severity.ERROR, f"Module {module.name} is in use")
    elif count == -errno.ENOENT:
        process.log(Severity.ERROR, "Module unloading is not supported")
    return count != 0
