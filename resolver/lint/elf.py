"""Read the file of a kernel module: sections, ``.modinfo``, signature.

Bytes in, a ``Module`` out. The file is untrusted: every fault in it is a ``BadFile``,
and its size bounds the time and memory to read it.

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
    """A file that limits the total size of reads.

    Each read counts, so a small file whose tables point to the same place many times
    cannot take long.
    """

    _EACH = 256

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._left = (64 << 20) + len(data)

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._left -= len(data) + self._EACH
        if self._left < 0:
            raise BadFile("its tables are circular or too large")
        return data


def require_reader() -> None:
    """Check that the library to read ELF files is installed.

    :raises FailedError: it is not.
    """
    try:
        import elftools  # noqa: F401  # only checks that it is installed
    except ImportError:
        raise FailedError(
            "cannot read module files: pyelftools is not installed",
            hint="run `pip install 'simkernel[lint]'`",
        ) from None


def read_module(data: bytes, path: str) -> Module:
    """Return the module in a file.

    :param data: content of the file, unpacked.
    :param path: name of the file, for a module that does not contain its own name.
    :raises BadFile: the file is not a kernel module, or is broken.
    """
    if len(data) > LIMIT_BYTES:
        raise BadFile(f"more than {LIMIT_BYTES >> 20} MiB")
    if not data.startswith(b"\x7fELF"):
        raise BadFile("not a kernel module: not an ELF file" if data else "empty")
    try:
        return _module(data, path)
    except BadFile:
        raise
    except Exception as problem:
        # The library checks little of its input, so a broken file raises exceptions of
        # many classes.
        kind = type(problem).__name__
        raise BadFile(f"broken ELF file: {_short(problem) or kind}") from None


def _module(data: bytes, path: str) -> Module:
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(_Metered(data))
    _require_sane(elf, len(data))
    # A look-up by name would read the whole table and take twice the time.
    named = (one for one in elf.iter_sections() if one.name == ".modinfo")
    section = next(named, None)
    if section is None:
        raise BadFile("not a kernel module: no section .modinfo")
    if section["sh_type"] == "SHT_NOBITS" or section["sh_size"] > _INFO_BYTES:
        raise BadFile("section .modinfo is empty or too large")
    if section["sh_offset"] + section["sh_size"] > len(data):
        raise BadFile("truncated: section .modinfo is incomplete")
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
        raise BadFile("not a kernel module: an ELF file of another type")
    count = elf.num_sections()
    if count > _SECTIONS:
        raise BadFile(f"too many sections: {count}")
    if not count or elf["e_shoff"] + count * elf["e_shentsize"] > size:
        raise BadFile("truncated: the section table is incomplete")


def _require_whole(elf: ELFFile, size: int) -> None:
    for section in elf.iter_sections():
        end = section["sh_offset"] + section["sh_size"]
        if section["sh_type"] != "SHT_NOBITS" and end > size:
            raise BadFile(f"truncated: section {section.name} is incomplete")


# A module whose aliases or dependencies name vfio is worth a closer look.
def _vfio_texts(module: Module) -> list[str]:
    return [one.pattern for one in module.aliases] + list(module.depends or ())


def _short(problem: Exception) -> str:
    return " ".join(str(problem).split())[:100]
