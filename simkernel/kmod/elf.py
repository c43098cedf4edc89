"""Read and write ``.ko`` files with a ``.modinfo`` section.

Writes just the sections that kmod and a loader of modules look at; reads the same
ones from any ELF object, and takes garbage for what it is.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simkernel.kmod.modinfo_section import join_modinfo, split_modinfo

__all__ = ["ModuleImage", "Symbol", "module_name", "write_module"]

_HEADER: Final = "<16sHHIQQQIHHHHHH"
_SECTION: Final = "<IIQQQQIIQQ"
_SYMBOL: Final = "<IBBHQQ"
_X86_64: Final = 62
_RELOCATABLE: Final = 1
_PROGBITS: Final = 1
_SYMTAB: Final = 2
_STRTAB: Final = 3
_ALLOC: Final = 2
_UNDEFINED: Final = 0
_GLOBAL: Final = 1
_WEAK: Final = 2
_NAME_OFFSET: Final = 24
"""Where ``struct module`` keeps the name, on 64 bit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """One entry of ``.symtab``."""

    name: str
    section: int
    """Index of the section that defines it; 0: undefined."""
    weak: bool


def write_module(
    name: str,
    info: Sequence[tuple[str, str]],
    *,
    exports: Sequence[str] = (),
    needs: Sequence[str] = (),
) -> bytes:
    """Return an ELF64 x86-64 object that describes a module.

    :param info: pairs of ``.modinfo``, in order.
    :param exports: symbols that it exports, listed in ``__ksymtab_strings``.
    :param needs: symbols that it leaves undefined, in the order of its ``.symtab``.
    """
    strings = b"\0" + b"".join(each.encode() + b"\0" for each in needs)
    symbols = [struct.pack(_SYMBOL, 0, 0, 0, 0, 0, 0)]
    at = 1
    for each in needs:
        symbols.append(struct.pack(_SYMBOL, at, _GLOBAL << 4, 0, _UNDEFINED, 0, 0))
        at += len(each.encode()) + 1
    this_module = b"\0" * _NAME_OFFSET + name.encode().ljust(64 - 8, b"\0")
    sections = [
        (".modinfo", _PROGBITS, _ALLOC, 0, 0, join_modinfo(info)),
        (".gnu.linkonce.this_module", _PROGBITS, _ALLOC, 0, 0, this_module),
    ]
    if exports:
        exported = b"".join(each.encode() + b"\0" for each in exports)
        sections.append(("__ksymtab_strings", _PROGBITS, _ALLOC, 0, 0, exported))
    sections += [
        (".symtab", _SYMTAB, 0, len(sections) + 2, 24, b"".join(symbols)),
        (".strtab", _STRTAB, 0, 0, 0, strings),
    ]
    return _assemble(sections)


def _assemble(sections: list[tuple[str, int, int, int, int, bytes]]) -> bytes:
    # Header, contents, section headers. `sections`: name, type, flags, link, entry
    # size, content; the null section and .shstrtab are added.
    names = b"\0"
    contents = b""
    headers = [struct.pack(_SECTION, *([0] * 10))]
    sections = [*sections, (".shstrtab", _STRTAB, 0, 0, 0, b"")]
    for name, kind, flags, link, entry_size, content in sections:
        name_at = len(names)
        names += name.encode() + b"\0"
        if name == ".shstrtab":
            content = names
        contents += b"\0" * (-len(contents) % 8)
        first_global = 1 if kind == _SYMTAB else 0
        position = (name_at, kind, flags, 0, 64 + len(contents), len(content))
        headers.append(
            struct.pack(_SECTION, *position, link, first_global, 8, entry_size)
        )
        contents += content
    contents += b"\0" * (-len(contents) % 8)
    table_at = 64 + len(contents)
    count = len(headers)
    identity = b"\x7fELF\x02\x01\x01"
    sizes = (64, 0, 0, 64, count, count - 1)
    machine = (_RELOCATABLE, _X86_64, 1, 0, 0, table_at, 0)
    return (
        struct.pack(_HEADER, identity, *machine, *sizes) + contents + b"".join(headers)
    )


class ModuleImage:
    """A module file that has been read, 64-bit little-endian.

    :raises OSError: ENOEXEC, it is no ELF file; EINVAL, its section table is broken
        or of another class.

    Source: libkmod-elf.c kmod_elf_new().
    """

    def __init__(self, data: bytes) -> None:
        if len(data) <= 16 or not data.startswith(b"\x7fELF"):
            raise OSError(errno.ENOEXEC, "Exec format error")
        if len(data) <= 64 or data[4:6] != b"\x02\x01":
            raise OSError(errno.EINVAL, "Invalid argument")
        self._data = data
        header = struct.unpack_from(_HEADER, data)
        table_at, entry_size, count, names_index = header[6], *header[11:14]
        if entry_size != 64 or table_at + 64 * count > len(data):
            raise OSError(errno.EINVAL, "Invalid argument")
        self._headers = [
            struct.unpack_from(_SECTION, data, table_at + 64 * each)
            for each in range(count)
        ]
        names = self._content(names_index)
        if not names or names[-1] != 0:
            raise OSError(errno.EINVAL, "Invalid argument")
        self._sections = self._by_name(names)

    def _content(self, index: int) -> bytes | None:
        # Bytes of a section, None if they do not lie inside the file.
        if index >= len(self._headers):
            return None
        at, size = self._headers[index][4:6]
        return self._data[at : at + size] if at + size <= len(self._data) else None

    def _by_name(self, names: bytes) -> dict[str, bytes]:
        # The first section of each name.
        found: dict[str, bytes] = {}
        for index, header in enumerate(self._headers[1:], start=1):
            content = self._content(index)
            if content is not None and header[0] < len(names):
                found.setdefault(_text(names, header[0]), content)
        return found

    def section(self, name: str) -> bytes:
        """Return the content of a section.

        :raises OSError: ENOENT, the file has no section of that name.
        """
        content = self._sections.get(name)
        if content is None:
            raise OSError(errno.ENOENT, "No such file or directory")
        return content

    def modinfo(self) -> list[tuple[str, str]]:
        """Return the pairs of ``.modinfo``.

        :raises OSError: ENOENT, there is no such section.

        Source: libkmod-elf.c kmod_elf_get_strings(), kmod_module_get_info().
        """
        return split_modinfo(self.section(".modinfo"))

    def symbols(self) -> list[Symbol]:
        """Return ``.symtab`` without its first, empty entry.

        :raises OSError: EINVAL, the table is missing or broken.
        """
        strings = self._sections.get(".strtab")
        table = self._sections.get(".symtab")
        if strings is None or table is None or len(table) % 24:
            raise OSError(errno.EINVAL, "Invalid argument")
        found: list[Symbol] = []
        for name_at, kind, _, section, _, _ in struct.iter_unpack(_SYMBOL, table[24:]):
            if name_at >= len(strings):
                raise OSError(errno.EINVAL, "Invalid argument")
            name = _text(strings, name_at)
            found.append(Symbol(name=name, section=section, weak=kind >> 4 == _WEAK))
        return found

    def undefined_symbols(self) -> list[str]:
        """Return the undefined symbols; empty: it has no table.

        Source: libkmod-elf.c kmod_elf_get_dependency_symbols().
        """
        try:
            symbols = self.symbols()
        except OSError:
            return []
        return [each.name for each in symbols if each.section == 0 and each.name]

    def exported_symbols(self) -> list[str]:
        """Return the symbols that the module exports.

        Those with a checksum (``__crc_*``), or else all of ``__ksymtab_strings``.

        Source: libkmod-elf.c kmod_elf_get_symbols().
        """
        try:
            names = [each.name for each in self.symbols()]
        except OSError:
            names = []
        checked = [each[6:] for each in names if each.startswith("__crc_")]
        if checked:
            return checked
        strings = self._sections.get("__ksymtab_strings", b"")
        return [_decode(each) for each in strings.split(b"\0") if each]


def module_name(image: bytes) -> str | None:
    """Return the name in a module file; ``None``: it has none.

    Taken from ``name=`` of ``.modinfo``, before Linux 4.11 from ``struct module``.

    :raises OSError: as ``ModuleImage``.
    """
    module = ModuleImage(image)
    try:
        names = [value for key, value in module.modinfo() if key == "name"]
    except OSError:
        names = []
    if names:
        return names[0]
    try:
        structure = module.section(".gnu.linkonce.this_module")
    except OSError:
        return None
    return _text(structure, _NAME_OFFSET) or None


def _text(data: bytes, at: int) -> str:
    # The text at `at`, up to NUL or the end.
    end = data.find(0, at)
    return _decode(data[at : end if end >= 0 else len(data)])


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
