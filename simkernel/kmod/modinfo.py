"""The command modinfo: print the ``.modinfo`` of modules."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simkernel.kmod.banner import VERSION, usage
from simkernel.kmod.builtin_info import builtin_info
from simkernel.kmod.elf import ModuleImage
from simkernel.kmod.errno_text import error_text
from simkernel.kmod.files import is_directory
from simkernel.kmod.getopt import LongOption, Options
from simkernel.kmod.library import Library
from simkernel.kmod.lookup import lookup, lookup_name
from simkernel.kmod.module import KmodModule
from simkernel.kmod.module_file import read_module_file
from simkernel.kmod.names import has_module_suffix
from simkernel.kmod.process import ExitCommand, Process, Severity

__all__ = ["main"]

_LONG: Final = {
    "author": LongOption("a"),
    "description": LongOption("d"),
    "license": LongOption("l"),
    "parameters": LongOption("p"),
    "filename": LongOption("n"),
    "null": LongOption("0"),
    "modname": LongOption("m"),
    "field": LongOption("F", True),
    "set-version": LongOption("k", True),
    "basedir": LongOption("b", True),
    "version": LongOption("V"),
    "help": LongOption("h"),
}
_FIELDS: Final = {
    "a": "author",
    "d": "description",
    "l": "license",
    "p": "parm",
    "n": "filename",
}


@dataclass(slots=True)
class _Request:
    # What the options ask for.
    field: str | None = None
    end: str = "\n"
    by_name: bool = False
    root: str | None = None
    release: str | None = None


def main(process: Process) -> int:
    """Run modinfo, which ignores ``modprobe.d``.

    Source: tools/modinfo.c do_modinfo().
    """
    request = _Request()
    options = Options(process, "adlpn0mF:k:b:Vh", _LONG)
    for flag, value in options:
        _apply(process, request, flag, value)
    if not options.operands:
        process.log(Severity.ERROR, "missing module or filename.")
        return 1
    directory = None
    if request.root is not None or request.release is not None:
        release = request.release
        if release is None:
            release = process.context.release
        directory = f"{request.root or ''}/lib/modules/{release}"
    library = Library(process, directory, config_paths=())
    outcomes = [_show(library, request, each) for each in options.operands]
    return 0 if all(outcomes) else 1


def _apply(process: Process, request: _Request, flag: str, value: str) -> None:
    # Take one option.
    if flag in _FIELDS:
        request.field = _FIELDS[flag]
        return
    match flag:
        case "F":
            request.field = value
        case "0":
            request.end = "\0"
        case "m":
            request.by_name = True
        case "k":
            request.release = value
        case "b":
            request.root = value
        case "V":
            process.print(VERSION)
            raise ExitCommand(0)
        case "h":
            process.print(usage(process.name))
            raise ExitCommand(0)


def _show(library: Library, request: _Request, text: str) -> bool:
    # Print every module that one argument stands for.
    process = library.process
    if request.by_name:
        module = lookup_name(library, text)
        if module is None:
            process.log(Severity.ERROR, f"Module name {text} not found.")
            return False
        return _show_module(library, request, module)
    if _is_module_file(library, text):
        try:
            module = library.module_from_path(text)
        except OSError:
            process.log(Severity.ERROR, f"Module file {text} not found.")
            return False
        return _show_module(library, request, module)
    try:
        modules = lookup(library, text)
    except ValueError:
        process.log(Severity.ERROR, f"Module alias {text} not found.")
        return False
    if not modules:
        process.log(Severity.ERROR, f"Module {text} not found.")
        return False
    outcomes = [_show_module(library, request, each) for each in modules]
    return all(outcomes)


def _is_module_file(library: Library, text: str) -> bool:
    path = library.process.absolute(text)
    regular = library.files.exists(path) and not is_directory(library.files, path)
    return regular and has_module_suffix(text)


def _show_module(library: Library, request: _Request, module: KmodModule) -> bool:
    # Source: tools/modinfo.c modinfo_do().
    process = library.process
    path = library.path(module)
    if path is None:
        if request.field is None:
            process.print(f"{'name:':<16}{module.name}", request.end)
        elif request.field == "name":
            process.print(module.name, request.end)
    filename = "(builtin)" if path is None else path
    if request.field == "filename":
        process.print(filename, request.end)
        return True
    if request.field is None:
        process.print(f"{'filename:':<16}{filename}", request.end)
    try:
        pairs = _pairs(library, module, path)
    except OSError as exc:
        if path is None and exc.errno == errno.ENOENT:
            return True
        reason = error_text(exc.errno or errno.EIO)
        process.log(
            Severity.ERROR, f"could not get modinfo from '{module.name}': {reason}"
        )
        return False
    _print_pairs(process, request, pairs)
    return True


def _pairs(
    library: Library, module: KmodModule, path: str | None
) -> Sequence[tuple[str, str]]:
    # Source: libkmod-module.c kmod_module_get_info().
    if library.is_builtin(module):
        return builtin_info(library, module.name)
    if path is None:
        raise FileNotFoundError(errno.ENOENT, error_text(errno.ENOENT))
    return ModuleImage(read_module_file(library.files, path)).modinfo()


def _print_pairs(
    process: Process, request: _Request, pairs: Sequence[tuple[str, str]]
) -> None:
    parameters = _Parameters()
    for key, value in pairs:
        if key in ("parm", "parmtype") and request.field in (None, "parm"):
            parameters.add(process, key, value)
        elif request.field == "parm":
            continue
        elif request.field is not None:
            if key == request.field:
                process.print(value, request.end)
        elif request.end == "\0":
            process.print(f"{key}={value}", request.end)
        else:
            # The width is that of a "%-*s" and may be negative there.
            padding = abs(15 - len(key))
            process.print(f"{key}:{' ' * padding}{value}", request.end)
    if request.field is None:
        for line in parameters.lines(bare_type="{}:{}"):
            process.print(f"{'parm:':<16}{line}", request.end)
    elif request.field == "parm":
        for line in parameters.lines(bare_type="{}: ({})"):
            process.print(line, request.end)


class _Parameters:
    # Descriptions and types of parameters, the last met first.

    def __init__(self) -> None:
        self._found: dict[str, dict[str, str]] = {}

    def add(self, process: Process, key: str, text: str) -> None:
        # Source: tools/modinfo.c process_parm().
        name, colon, value = text.partition(":")
        if not colon:
            message = f"Found invalid \"{key}={text}\": missing ':'"
            process.log(Severity.ERROR, message)
            return
        self._found.setdefault(name, {})[key] = value

    def lines(self, *, bare_type: str) -> list[str]:
        # One text each; `bare_type` formats name and type without description.
        lines: list[str] = []
        for name, texts in reversed(self._found.items()):
            if "parm" not in texts:
                lines.append(bare_type.format(name, texts["parmtype"]))
            elif "parmtype" in texts:
                lines.append(f"{name}:{texts['parm']} ({texts['parmtype']})")
            else:
                lines.append(f"{name}:{texts['parm']}")
        return lines
