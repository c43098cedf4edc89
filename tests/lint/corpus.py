"""Writes tests/data/lint-corpus: ``python -m tests.lint.corpus GOOD.ko``.

GOOD.ko is ``good_vfio_pci`` of ``tests/lint/sources``, built for a kernel. From it come
files that are packed, cut off, or have one number changed to one that leads astray.
"""

from __future__ import annotations

import gzip
import lzma
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import zstandard

CORPUS = Path(__file__).parents[1] / "data" / "lint-corpus"

_SECTIONS_AT = 0x28
"""Place of e_shoff; then, in an ELF file of 64 bits, come e_shentsize and on."""
_ENTRY_BYTES, _COUNT, _NAMES = 0x3A, 0x3C, 0x3E
_NAME, _KIND, _FLAGS, _OFFSET, _SIZE, _LINK, _INFO, _EACH = (
    *(0, 4, 8, 0x18, 0x20, 0x28, 0x2C, 0x38),
)
"""Places of the members of a section's header."""
_MOST = {2: 0xFFFF, 4: 0xFFFFFFFF, 8: 0x7FFFFFFFFFFFFFFF}


def files(good: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file."""
    yield "good.ko", good
    yield "good.ko.xz", lzma.compress(good, check=lzma.CHECK_CRC32)
    yield "good.ko.gz", gzip.compress(good, mtime=0)
    yield "good.ko.zst", zstandard.ZstdCompressor().compress(good)
    yield "signed.ko", good + b"\0" * 12 + b"~Module signature appended~\n"
    yield "text.ko", b"no module at all\n"
    yield "magic.ko", b"\x7fELF"
    for part in (1, 2, 3):
        yield f"cut-{part}.ko", good[: len(good) * part // 4]
    for ending in ("xz", "gz", "zst"):
        packed = dict(files_packed(good))[ending]
        yield f"cut.ko.{ending}", packed[: len(packed) // 2]
    for name, place, size, value in _numbers(good):
        changed = bytearray(good)
        changed[place : place + size] = value.to_bytes(size, "little")
        yield f"{name}.ko", bytes(changed)


def files_packed(good: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield ending and content of each way to pack a file."""
    yield "xz", lzma.compress(good)
    yield "gz", gzip.compress(good, mtime=0)
    yield "zst", zstandard.ZstdCompressor().compress(good)


# Name of the file, place, size and new value of one number.
def _numbers(good: bytes) -> Iterator[tuple[str, int, int, int]]:
    yield "header-type", 0x10, 2, 2
    yield "header-32-bit", 4, 1, 1
    yield "header-big-endian", 5, 1, 2
    yield "header-sections-far", _SECTIONS_AT, 8, _MOST[8]
    yield "header-sections-zero-bytes", _ENTRY_BYTES, 2, 0
    yield "header-sections-many", _COUNT, 2, _MOST[2]
    yield "header-sections-none", _COUNT, 2, 0
    yield "header-names-far", _NAMES, 2, 0xFFF0
    start = struct.unpack_from("<Q", good, _SECTIONS_AT)[0]
    for name in (".modinfo", ".symtab", ".strtab", ".rela.data", ".data"):
        place = start + 64 * _number(good, start, name)
        what = name.replace(".", "-").lstrip("-")
        yield f"{what}-nobits", place + _KIND, 4, 8
        yield f"{what}-far", place + _OFFSET, 8, _MOST[8]
        yield f"{what}-large", place + _SIZE, 8, _MOST[8]
        yield f"{what}-link", place + _LINK, 4, _MOST[4]
        yield f"{what}-info", place + _INFO, 4, _MOST[4]
        yield f"{what}-zero-bytes-each", place + _EACH, 8, 0


def _number(good: bytes, start: int, wanted: str) -> int:
    count, names = struct.unpack_from("<HH", good, _COUNT)
    at = struct.unpack_from("<Q", good, start + 64 * names + _OFFSET)[0]
    for number in range(count):
        name = at + struct.unpack_from("<I", good, start + 64 * number + _NAME)[0]
        if good[name : good.index(b"\0", name)] == wanted.encode():
            return number
    raise ValueError(f"there is no section {wanted}")


if __name__ == "__main__":
    CORPUS.mkdir(parents=True, exist_ok=True)
    for file, data in files(Path(sys.argv[1]).read_bytes()):
        (CORPUS / file).write_bytes(data)
