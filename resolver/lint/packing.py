"""Unpacks module files, within limits.

Bytes in, bytes out: nothing is opened here. What a file is packed with is seen from its
first bytes, as kmod does.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Iterator
from typing import Final

from resolver.errors import FailedError

__all__ = ["LIMIT_BYTES", "BadFile", "unpack"]

LIMIT_BYTES: Final = 256 << 20
"""Largest module that is looked at, unpacked."""

_CHUNK_BYTES: Final = 1 << 20
_MEMORY_BYTES: Final = 128 << 20
"""What a packer may ask for to look back at; the kernel's own use 2 MiB and less."""
_ZSTD_BYTES: Final = 512
"""Four packed bytes can become 128 KiB, and all of a piece comes at once."""


class BadFile(Exception):
    """What is wrong with a file, in words that go after its name."""


def unpack(data: bytes) -> bytes:
    """Return what was packed with xz, zstd or gzip, or the data themselves.

    :raises BadFile: it is cut off or broken, or larger than ``LIMIT_BYTES``.
    :raises FailedError: it is packed with zstd, and what reads that is not installed.
    """
    if data.startswith(b"\xfd7zXZ\0"):
        pieces = _xz(data)
    elif data.startswith(b"\x28\xb5\x2f\xfd"):
        pieces = _zstd(data)
    elif data.startswith(b"\x1f\x8b"):
        pieces = _gzip(data)
    else:
        return data
    whole = bytearray()
    for piece in pieces:
        whole += piece
        if len(whole) > LIMIT_BYTES:
            raise BadFile(f"more than {LIMIT_BYTES >> 20} MiB when unpacked")
    return bytes(whole)


def _xz(data: bytes) -> Iterator[bytes]:
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY_BYTES)
    try:
        yield unpacker.decompress(data, _CHUNK_BYTES)
        while not unpacker.eof:
            if unpacker.needs_input:
                raise BadFile("cut off: the xz data have no end")
            yield unpacker.decompress(b"", _CHUNK_BYTES)
    except lzma.LZMAError as problem:
        raise BadFile(f"broken xz data: {problem}") from None


def _gzip(data: bytes) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        while not unpacker.eof:
            piece = unpacker.decompress(data, _CHUNK_BYTES)
            data = unpacker.unconsumed_tail
            yield piece
            if not piece and not data and not unpacker.eof:
                raise BadFile("cut off: the gzip data have no end")
    except zlib.error as problem:
        raise BadFile(f"broken gzip data: {problem}") from None


def _zstd(data: bytes) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError:
        raise FailedError(
            "a module packed with zstd cannot be read: zstandard is not installed",
            hint="pip install 'simkernel[lint]'",
        ) from None
    unpacker = zstandard.ZstdDecompressor(max_window_size=_MEMORY_BYTES).decompressobj()
    try:
        for start in range(0, len(data), _ZSTD_BYTES):
            yield unpacker.decompress(data[start : start + _ZSTD_BYTES])
            if unpacker.eof:
                return
    except zstandard.ZstdError as problem:
        raise BadFile(f"broken zstd data: {problem}") from None
    raise BadFile("cut off: the zstd data have no end")
