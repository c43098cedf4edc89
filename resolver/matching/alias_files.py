"""The files in which depmod and the kernel build say which aliases modules have.

Text of the files in, entries and warnings out: nothing is opened here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

__all__ = [
    "AliasEntry",
    "FileWarning",
    "Source",
    "builtin_modules",
    "module_name",
    "read_builtin_modinfo",
    "read_modules_alias",
]

Source = Literal[
    "modules.alias",
    "modules.builtin.modinfo",
    "modules.builtin",
    "/sys/module",
    "user",
    "generic",
]
"""Where a choice comes from.

``modules.builtin`` and ``/sys/module`` name the place that proves a module to be
built in, while the alias itself is from ``resolver.matching.intree``; ``user`` is
``--driver``; ``generic`` is the driver that takes any device of the bus.
"""

_NEEDLE = b"vfio_"


class AliasEntry(NamedTuple):
    """One alias pattern of one module."""

    pattern: str
    """``vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*``."""
    module: str
    """Module name as the file has it."""
    source: Source
    line: int
    """Line or record number in the file, from 1; 0 where no file has it."""


class FileWarning(NamedTuple):
    """Something in a file that was not as depmod writes it."""

    path: str
    line: int
    """Line or record number from 1; 0 for the file as a whole."""
    text: str
    """What is wrong, and what was done about it."""


class Reading(NamedTuple):
    """What one file had to say."""

    entries: tuple[AliasEntry, ...]
    warnings: tuple[FileWarning, ...]


class _Malformed(Exception):  # never leaves this module
    # What is wrong with a line that cannot be used.
    pass


def read_modules_alias(data: bytes, path: str) -> Reading:
    """Read the ``vfio_`` aliases of a ``modules.alias`` file, in file order.

    The name is searched for in the bytes, and only lines that hold it are looked
    at, so that the cost of the other 27,000 lines is that of one search.

    :param data: the whole file.
    :param path: name of the file, for the warnings.

    Source: depmod(8); kmod, tools/depmod.c, output_aliases().
    """
    return _read(data, path, "modules.alias", b"\n", _alias_line)


def read_builtin_modinfo(data: bytes, path: str) -> Reading:
    """Read the ``vfio_`` aliases of built-in modules, in file order.

    They are there since Linux kernel commit 5ab23c7923a1 ("modpost: Create
    modalias for builtin modules") (in v6.18).

    :param data: the whole of ``modules.builtin.modinfo``: ``module.key=value``,
        each ended by a NUL.
    :param path: name of the file, for the warnings.
    """
    return _read(data, path, "modules.builtin.modinfo", b"\0", _modinfo_record)


def builtin_modules(data: bytes) -> frozenset[str]:
    """Return the names of the modules that ``modules.builtin`` lists.

    :param data: the whole file: one ``kernel/.../name.ko`` a line.
    """
    return frozenset(
        module_name(line.decode("ascii", "replace").strip())
        for line in data.splitlines()
    )


def module_name(path: str) -> str:
    """Return the name of the module in a ``.ko`` file, compressed or not.

    Source: Linux, scripts/Makefile.lib, ``modname``: ``-`` becomes ``_``.
    """
    return path.rpartition("/")[2].partition(".ko")[0].replace("-", "_")


_Parse = Callable[[bytes], "tuple[str, str, str] | None"]


def _read(
    data: bytes, path: str, source: Source, separator: bytes, parse: _Parse
) -> Reading:
    entries: list[AliasEntry] = []
    warnings: list[FileWarning] = []
    number, counted = 1, 0
    at = data.find(_NEEDLE)
    while at >= 0:
        start = data.rfind(separator, 0, at) + 1
        end = data.find(separator, at)
        end = len(data) if end < 0 else end
        number += data.count(separator, counted, start)
        counted = start
        try:
            parsed = parse(data[start:end])
        except _Malformed as problem:
            warnings.append(FileWarning(path, number, f"{problem}; skipped"))
        else:
            if parsed is not None:
                pattern, module, trimmed = parsed
                entries.append(AliasEntry(pattern, module, source, number))
                if trimmed:
                    warnings.append(FileWarning(path, number, f"{trimmed}; trimmed"))
        at = data.find(_NEEDLE, end)
    warnings.extend(_end_warnings(data, path, separator))
    return Reading(tuple(entries), tuple(warnings))


def _end_warnings(data: bytes, path: str, separator: bytes) -> list[FileWarning]:
    if not data:
        return [FileWarning(path, 0, "the file is empty")]
    if data.endswith(separator):
        return []
    number = data.count(separator) + 1
    what = "newline" if separator == b"\n" else "NUL"
    problem = f"the last entry has no {what} after it: the file may be cut off"
    return [FileWarning(path, number, problem)]


# Pattern, module, and what was trimmed ("" for a line as depmod writes it); None
# for a line that says nothing about a VFIO alias.
def _alias_line(line: bytes) -> tuple[str, str, str] | None:
    words = line.split()
    if line.startswith(b"#") or (
        len(words) > 1 and words[0] == b"alias" and not words[1].startswith(_NEEDLE)
    ):
        return None
    if words[0] != b"alias":
        raise _Malformed(f"starts with {_shown(words[0])}, not with alias")
    if len(words) < 3:
        raise _Malformed("cut off: no module name")
    if len(words) > 3:
        raise _Malformed("more than a pattern and a module name")
    trimmed = ""
    if line != b" ".join(words):
        if line.endswith(b"\r"):
            trimmed = "ends in CR LF"
        elif b"\t" in line:
            trimmed = "separated by tabs"
        else:
            trimmed = "has needless blanks"
    return _text(words[1]), _module(words[2]), trimmed


def _modinfo_record(record: bytes) -> tuple[str, str, str] | None:
    module, _, setting = record.partition(b".")
    key, _, value = setting.partition(b"=")
    if key != b"alias" or not value.lstrip().startswith(_NEEDLE):
        return None
    trimmed = "has blanks around it" if value != value.strip() else ""
    if len(value.split()) != 1:
        raise _Malformed("a blank in the pattern")
    return _text(value.strip()), _module(module), trimmed


def _text(word: bytes) -> str:
    if not word or not word.isascii() or not word.decode("ascii").isprintable():
        raise _Malformed(f"{_shown(word)} is no printable text")
    return word.decode("ascii")


# Becomes part of a path and of a command line.
def _module(word: bytes) -> str:
    if b"/" in word or word.startswith((b"-", b".")) or len(word) > 255:
        raise _Malformed(f"{_shown(word)} is no module name")
    return _text(word)


def _shown(word: bytes) -> str:
    return repr(word[:40])[1:]
