"""The command lsmod: list the loaded modules."""

from __future__ import annotations

import errno

from simkernel.kmod.errno_text import error_text
from simkernel.kmod.files import read_text, read_text_or_none
from simkernel.kmod.kernel_state import holders, reference_count
from simkernel.kmod.library import Library
from simkernel.kmod.module import KmodModule
from simkernel.kmod.process import Process, Severity

__all__ = ["main"]


def main(process: Process) -> int:
    """Run lsmod.

    Source: tools/lsmod.c do_lsmod().
    """
    if len(process.argv) != 1:
        process.write_error(f"Usage: {process.argv[0]}\n")
        return 1
    library = Library(process, config_paths=())
    try:
        text = read_text(library.files, "/proc/modules")
    except OSError as exc:
        return _refuse(library, error_text(exc.errno or errno.EIO))
    process.print("Module                  Size  Used by")
    for line in text.splitlines():
        module = library.module_from_name(line.split()[0])
        _print_module(library, module)
    return 0


def _print_module(library: Library, module: KmodModule) -> None:
    size = _size(library, module)
    count = reference_count(library, module)
    users = ",".join(each.name for each in holders(library, module))
    line = f"{module.name:<19} {size:>8}  {count}"
    library.process.print(f"{line} {users}" if users else line)


def _size(library: Library, module: KmodModule) -> int:
    # Bytes of memory, a negative errno if the kernel does not say.
    # Source: libkmod-module.c kmod_module_get_size().
    text = read_text_or_none(library.files, f"/sys/module/{module.name}/coresize")
    try:
        return int(text or "")
    except ValueError:
        return -errno.ENOENT


def _refuse(library: Library, reason: str) -> int:
    place = (1725, "kmod_module_new_from_loaded")
    where = f"../libkmod/libkmod-module.c:{place[0]} {place[1]}"
    library.process.write_error(
        f"libkmod: {Severity.ERROR.name} {where}: could not open /proc/modules: "
        f"{reason}\nError: could not get list of modules: {reason}\n"
    )
    return 1
