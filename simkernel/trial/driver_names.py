"""Find the names of a module's PCI drivers in its ELF file.

``MODULE_DEVICE_TABLE`` defines a symbol for the id table. In ``struct pci_driver`` the
pointer to the id table follows the pointer to the name. A module is not linked yet, so
both pointers are relocations. The relocation one pointer before that of an id table
therefore points to the driver's name.

Source: Linux, include/linux/pci.h, ``struct pci_driver``; include/linux/module.h,
``MODULE_DEVICE_TABLE``.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Final

from simkernel.errors import UsageError

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

__all__ = ["driver_names"]

# Older kernels: __mod_pci__NAME_device_table; newer ones:
# __mod_device_table__pci__NAME, or with a module name before pci.
_TABLE: Final = re.compile(r"__mod_(?:device_table__(?:\w+?__)?)?pci__\w+")
_LONGEST: Final = 256

_Place = tuple[int, int]
"""Index of a section, and offset in it."""


def driver_names(data: bytes, name: str) -> tuple[str, ...]:
    """Return the names of the PCI drivers in a module.

    :param data: the module, decompressed.
    :param name: the file, for errors.
    :raises UsageError: the file is corrupt, or pyelftools is not installed.
    """
    try:
        from elftools.elf.elffile import ELFFile
    except ImportError:
        raise UsageError(
            "cannot read the driver name from the module: pyelftools is not installed",
            hint="run pip install 'simkernel[lint]', or name it with --driver NAME",
        ) from None
    try:
        return tuple(dict.fromkeys(_names(ELFFile(io.BytesIO(data)))))
    except Exception as error:  # pyelftools raises many types on corrupt files
        kind = type(error).__name__
        raise UsageError(f"{name} is a corrupt ELF file: {error or kind}") from None


def _names(elf: ELFFile) -> list[str]:
    symbols = _symbols(elf)
    if symbols is None:
        return []
    tables = {
        (symbol["st_shndx"], symbol["st_value"])
        for symbol in symbols.iter_symbols()
        if _TABLE.fullmatch(symbol.name)
    }
    pointers = _pointers(elf, symbols)
    step = elf.elfclass // 8
    found = []
    for (section, offset), target in sorted(pointers.items()):
        name = pointers.get((section, offset - step))
        if target in tables and name is not None:
            found.append(_text(elf, name))
    return [one for one in found if one]


def _symbols(elf: ELFFile) -> SymbolTableSection | None:
    from elftools.elf.sections import SymbolTableSection

    table = elf.get_section_by_name(".symtab")
    return table if isinstance(table, SymbolTableSection) else None


def _pointers(elf: ELFFile, symbols: SymbolTableSection) -> dict[_Place, _Place]:
    """Return the target of each pointer in the data sections."""
    from elftools.elf.relocation import RelocationSection

    found: dict[_Place, _Place] = {}
    for section in elf.iter_sections():
        if not isinstance(section, RelocationSection) or not section.is_RELA():
            continue
        place = section["sh_info"]
        if not elf.get_section(place).name.startswith(".data"):
            continue
        for one in section.iter_relocations():
            symbol = symbols.get_symbol(one["r_info_sym"])
            if isinstance(symbol["st_shndx"], int):
                target = symbol["st_shndx"], symbol["st_value"] + one["r_addend"]
                found[place, one["r_offset"]] = target
    return found


def _text(elf: ELFFile, place: _Place) -> str:
    """Return the NUL-terminated text at a place."""
    section, offset = place
    data = elf.get_section(section).data()[offset : offset + _LONGEST]
    return bytes(data).partition(b"\0")[0].decode("utf-8", "replace")
