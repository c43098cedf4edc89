"""Find the PCI drivers and id tables of a module in its ELF file.

``MODULE_DEVICE_TABLE`` leaves a symbol for each table. In ``struct pci_driver`` the
pointer to the table follows the pointer to the name, in every release. Both are
relocations, because a module is not linked. So neither the layout nor debug information
is needed. A driver whose table has no such symbol is not found.

Source: Linux, include/linux/pci.h, ``struct pci_driver``; include/linux/module.h,
``MODULE_DEVICE_TABLE``; include/linux/mod_devicetable.h, ``struct pci_device_id``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from resolver.lint.idtable import entries_of
from resolver.lint.module import Binary, TableEntry

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

__all__ = ["binary_of"]

# Old kernels end the name in _device_table; new ones have the kind before the table.
_TABLE: Final = re.compile(r"__mod_(?:device_table__(?:kmod_\w+?__)?)?pci__\w+")
_WRITABLE: Final = 0x3
"""SHF_WRITE | SHF_ALLOC: sections of variables."""
_NAME_BYTES: Final = 256
_TABLE_BYTES: Final = 1 << 20

_Place = tuple[int, int]
"""Section number, and offset in the section."""


class _Symbols(NamedTuple):
    table: SymbolTableSection
    tables: dict[_Place, int]
    """Place of each table of PCI ids to its size in bytes."""
    needs: frozenset[str]


def binary_of(elf: ELFFile, aliases: Sequence[str]) -> Binary:
    """Return the facts that only the ELF file has.

    :param aliases: aliases of the module; they tell which layout its tables have.
    """
    symbols = _symbols(elf)
    if symbols is None:
        return Binary()
    pointers = dict(_pointers(elf, symbols.table))
    step = elf.elfclass // 8
    drivers = []
    for (section, offset), target in sorted(pointers.items()):
        name = pointers.get((section, offset - step))
        if target in symbols.tables and name is not None:
            drivers.append(_text(elf, name))
    entries: list[TableEntry] = []
    for (section, offset), size in symbols.tables.items():
        data = _bytes(elf, section, offset, min(size, _TABLE_BYTES))
        is_little, is_wide = elf.little_endian, elf.elfclass == 64
        entries += entries_of(data, aliases, is_little=is_little, is_wide=is_wide)
    names = tuple(dict.fromkeys(one for one in drivers if one))
    return Binary(names, tuple(entries), symbols.needs)


def _symbols(elf: ELFFile) -> _Symbols | None:
    from elftools.elf.sections import SymbolTableSection

    table = elf.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection):
        return None
    tables, needs = {}, set()
    for symbol in table.iter_symbols():
        where = symbol["st_shndx"]
        if where == "SHN_UNDEF":
            needs.add(symbol.name)
        elif isinstance(where, int) and _TABLE.fullmatch(symbol.name):
            tables[where, symbol["st_value"]] = symbol["st_size"]
    return _Symbols(table, tables, frozenset(needs))


# The place of each pointer, and the place that it points to.
def _pointers(
    elf: ELFFile, symbols: SymbolTableSection
) -> Iterator[tuple[_Place, _Place]]:
    from elftools.elf.relocation import RelocationSection

    for section in elf.iter_sections():
        if not isinstance(section, RelocationSection):
            continue
        place = section["sh_info"]
        held = elf.get_section(place)
        if held["sh_flags"] & _WRITABLE != _WRITABLE or held.name.startswith("__"):
            continue
        for one in section.iter_relocations():
            symbol = symbols.get_symbol(one["r_info_sym"])
            if not isinstance(symbol["st_shndx"], int):
                continue
            if one.is_RELA():
                addend = one["r_addend"]
            else:
                data = _bytes(elf, place, one["r_offset"], elf.elfclass // 8)
                addend = int.from_bytes(data, "little" if elf.little_endian else "big")
            target = symbol["st_shndx"], symbol["st_value"] + addend
            yield (place, one["r_offset"]), target


def _text(elf: ELFFile, place: _Place) -> str:
    data = _bytes(elf, *place, _NAME_BYTES).partition(b"\0")[0]
    return data.decode("utf-8", "backslashreplace")


def _bytes(elf: ELFFile, number: int, offset: int, size: int) -> bytes:
    section = elf.get_section(number)
    if section["sh_type"] == "SHT_NOBITS" or not 0 <= offset < section["sh_size"]:
        return b""
    elf.stream.seek(section["sh_offset"] + offset)
    data: bytes = elf.stream.read(min(size, section["sh_size"] - offset))
    return data
