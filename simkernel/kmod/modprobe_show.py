"""The options of modprobe that only print."""

from __future__ import annotations

import struct

from simkernel.kmod.elf import ModuleImage
from simkernel.kmod.errno_text import error_text
from simkernel.kmod.library import Library
from simkernel.kmod.module_file import read_module_file
from simkernel.kmod.process import Severity

__all__ = ["show_configuration", "show_exports", "show_modversions"]

_VERSION_SIZE = 64


def show_configuration(library: Library) -> None:
    """Print the configuration, then all aliases of the indexes.

    Source: tools/modprobe.c show_config().
    """
    process = library.process
    configuration = library.configuration
    for name in configuration.blacklist:
        process.print(f"blacklist {name}")
    for keyword, pairs in (
        ("install", configuration.install),
        ("remove", configuration.remove),
        ("alias", configuration.aliases),
        ("options", configuration.options),
        ("softdep", [(each.name, each.text()) for each in configuration.softdeps]),
    ):
        for name, text in pairs:
            process.print(f"{keyword} {name} {text}")
    process.print("\n# End of configuration files. Dumping indexes now:\n")
    for file in ("modules.alias", "modules.symbols"):
        index = library.index(file)
        for key, value in index.dump() if index is not None else ():
            process.print(f"alias {key} {value}")


def show_modversions(library: Library, path: str, grave: Severity) -> bool:
    """Print the versions of the symbols that a module uses.

    Source: tools/modprobe.c show_modversions().
    """
    image = _open(library, path, grave, "modversions")
    if image is None:
        return False
    try:
        section = image.section("__versions")
    except OSError as exc:
        return _refuse(library, path, exc, grave, "modversions")
    for at in range(0, len(section), _VERSION_SIZE):
        (checksum,) = struct.unpack_from("<Q", section, at)
        text = section[at + 8 : at + _VERSION_SIZE].partition(b"\0")[0].decode()
        library.process.print(f"0x{checksum:08x}\t{text.removeprefix('.')}")
    return True


def show_exports(library: Library, path: str, grave: Severity) -> bool:
    """Print the symbols that a module exports; checksums are 0.

    Source: tools/modprobe.c show_exports().
    """
    image = _open(library, path, grave, "symbols")
    if image is None:
        return False
    for name in image.exported_symbols():
        library.process.print(f"0x00000000\t{name}")
    return True


def _open(
    library: Library, path: str, grave: Severity, what: str
) -> ModuleImage | None:
    # The module in a file, None after reporting why not.
    try:
        library.module_from_path(path)
    except OSError:
        library.process.log(grave, f"Module {path} not found.")
        return None
    try:
        return ModuleImage(
            read_module_file(library.files, library.process.absolute(path))
        )
    except OSError as exc:
        _refuse(library, path, exc, grave, what)
        return None


def _refuse(
    library: Library, path: str, exc: OSError, grave: Severity, what: str
) -> bool:
    reason = error_text(exc.errno or 0)
    library.process.log(grave, f"could not get {what} of {path}: {reason}")
    return False
