"""Unpack compressed module files, within limits.

Bytes in, bytes out. The first bytes of a file tell its compression, as in kmod.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Iterator
from typing import Final

from resolver.errors import FailedError

__all__ = ["LIMIT_BYTES", "BadFile", "unpack"]

LIMIT_BYTES: Final = 256 << 20
"""Maximum size of a module, unpacked."""

_CHUNK_BYTES: Final = 1 << 20
_MEMORY_BYTES: Final = 128 << 20
"""Maximum window of a compressor; the kernel build uses at most 2 MiB."""
_ZSTD_BYTES: Final = 512
"""Size of a compressed piece. Four bytes can become 128 KiB, all returned at once."""


class BadFile(Exception):
    """A fault of a file; the message follows the name of the file."""


def unpack(data: bytes) -> bytes:
    """Return the content of a file, unpacked from xz, zstd or gzip.

    :raises BadFile: the data are truncated, broken, or larger than ``LIMIT_BYTES``.
    :raises FailedError: the library to unpack zstd is not installed.
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
                raise BadFile("truncated xz data")
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
                raise BadFile("truncated gzip data")
    except zlib.error as problem:
        raise BadFile(f"broken gzip data: {problem}") from None


def _zstd(data: bytes) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError:
        raise FailedError(
            "cannot unpack zstd: zstandard is not installed",
            hint="run `pip install 'simkernel[lint]'`",
        ) from None
    unpacker = zstandard.ZstdDecompressor(max_window_size=_MEMORY_BYTES).decompressobj()
    try:
        for start in range(0, len(data), _ZSTD_BYTES):
            yield unpacker.decompress(data[start : start + _ZSTD_BYTES])
            if unpacker.eof:
                return
    except zstandard.ZstdError as problem:
        raise BadFile(f"broken zstd data: {problem}") from None
    raise BadFile("truncated zstd data")
