"""Reads a kernel module's file: sections, ``.modinfo``, signature.

Bytes in, a ``Module`` out. The file may be anything: whatever is wrong with it is a
``BadFile``, and neither time nor memory depends on more than its size.

Source: Linux, kernel/module/main.c, elf_validity_cache_copy(); include/linux/module.h.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from resolver.errors import FailedError
from resolver.lint.drivers import binary_of
from resolver.lint.module import Module
from resolver.lint.packing import LIMIT_BYTES, BadFile
from resolver.lint.texts import module_of_fields
from resolver.matching.modinfo import has_signature, section_fields

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

__all__ = ["read_module", "require_reader"]

_INFO_BYTES: Final = 4 << 20
_SECTIONS: Final = 20_000
_RELOCATABLE: Final = "ET_REL"


class _Metered(io.BytesIO):
    """A file that ends reading which would go on for too long.

    Each look at it counts, so that a small file whose tables lead to the same place
    over and over again is no way to keep us busy.
    """

    _EACH = 256

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._left = (64 << 20) + len(data)

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._left -= len(data) + self._EACH
        if self._left < 0:
            raise BadFile("its tables lead in circles, or have far too much in them")
        return data


def require_reader() -> None:
    """See to it that ELF files can be read.

    :raises FailedError: what reads them is not installed.
    """
    try:
        import elftools  # noqa: F401  # only whether it is there
    except ImportError:
        raise FailedError(
            "module files cannot be read: pyelftools is not installed",
            hint="pip install 'simkernel[lint]'",
        ) from None


def read_module(data: bytes, path: str) -> Module:
    """Return what a module's file says.

    :param data: the file, unpacked.
    :param path: what it is called, for its name where it does not say it itself.
    :raises BadFile: it is no kernel module, or broken.
    """
    if len(data) > LIMIT_BYTES:
        raise BadFile(f"more than {LIMIT_BYTES >> 20} MiB")
    if not data.startswith(b"\x7fELF"):
        raise BadFile("no kernel module: it is no ELF file" if data else "empty")
    try:
        return _module(data, path)
    except BadFile:
        raise
    except Exception as problem:
        # The library checks little of what it reads: a broken file makes it fail
        # in many ways, and each means no more than that.
        kind = type(problem).__name__
        raise BadFile(f"broken ELF file: {_short(problem) or kind}") from None


def _module(data: bytes, path: str) -> Module:
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(_Metered(data))
    _require_sane(elf, len(data))
    # A look-up by name would read the rest of the table, too: twice the time.
    named = (one for one in elf.iter_sections() if one.name == ".modinfo")
    section = next(named, None)
    if section is None:
        raise BadFile("no kernel module: it has no section .modinfo")
    if section["sh_type"] == "SHT_NOBITS" or section["sh_size"] > _INFO_BYTES:
        raise BadFile("its section .modinfo is empty, or far too large")
    if section["sh_offset"] + section["sh_size"] > len(data):
        raise BadFile("cut off: the section .modinfo is not all there")
    fields = section_fields(section.data())
    module = module_of_fields(fields, path, is_signed=has_signature(data))
    if not any(one.startswith("vfio") for one in _vfio_texts(module)):
        return module
    _require_whole(elf, len(data))
    return module_of_fields(
        fields,
        path,
        is_signed=module.is_signed,
        binary=binary_of(elf, [one.pattern for one in module.aliases]),
    )


def _require_sane(elf: ELFFile, size: int) -> None:
    if elf["e_type"] != _RELOCATABLE:
        raise BadFile("no kernel module: an ELF file of another type")
    count = elf.num_sections()
    if count > _SECTIONS:
        raise BadFile(f"{count} sections, which no module has")
    if not count or elf["e_shoff"] + count * elf["e_shentsize"] > size:
        raise BadFile("cut off: the table of its sections is not all there")


def _require_whole(elf: ELFFile, size: int) -> None:
    for section in elf.iter_sections():
        end = section["sh_offset"] + section["sh_size"]
        if section["sh_type"] != "SHT_NOBITS" and end > size:
            raise BadFile(f"cut off: the section {section.name} is not all there")


# By these it is told that a module has to do with VFIO.
def _vfio_texts(module: Module) -> list[str]:
    return [one.pattern for one in module.aliases] + list(module.depends or ())


def _short(problem: Exception) -> str:
    return " ".join(str(problem).split())[:100]
