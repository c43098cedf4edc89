"""Unpacks module files, within a limit.

Bytes in, bytes out. What a file is packed with is seen from its first bytes.
"""

from __future__ import annotations

import io
import lzma
import zlib
from typing import Final

from simkernel.errors import UsageError

__all__ = ["decompressed"]

_LIMIT_BYTES: Final = 128 << 20
"""Largest module that is taken, unpacked; the largest of a stock kernel has 10 MiB."""


def decompressed(data: bytes, name: str) -> bytes:
    """Return what was packed with xz, zstd or gzip, or the data themselves.

    :param name: what the file is called, for errors.
    :raises UsageError: it is broken, cut off or too large; or what unpacks zstd is not
        installed.
    """
    try:
        whole, is_complete = _unpacked(data)
    except (lzma.LZMAError, zlib.error) as error:
        raise UsageError(f"{name} cannot be unpacked: {error}") from None
    if len(whole) > _LIMIT_BYTES:
        raise UsageError(f"{name}: more than {_LIMIT_BYTES >> 20} MiB")
    if not is_complete:
        raise UsageError(f"{name} is cut off, or packed more than once")
    return whole


def _unpacked(data: bytes) -> tuple[bytes, bool]:
    """Return the data, at most one byte past the limit, and whether that is all."""
    most = _LIMIT_BYTES + 1
    if data.startswith(b"\xfd7zXZ\0"):
        xz = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=most)
        return xz.decompress(data, most), xz.eof
    if data.startswith(b"\x1f\x8b"):
        gzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
        return gzip.decompress(data, most), gzip.eof
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        return _zstd(data, most)
    return data, True


def _zstd(data: bytes, most: int) -> tuple[bytes, bool]:
    try:
        import zstandard
    except ImportError:
        raise UsageError(
            "a module packed with zstd cannot be read, zstandard is not installed: "
            "pip install 'simkernel[lint]'"
        ) from None
    unpacker = zstandard.ZstdDecompressor(max_window_size=_LIMIT_BYTES)
    try:
        with unpacker.stream_reader(io.BytesIO(data)) as stream:
            return stream.read(most), True
    except zstandard.ZstdError as error:
        raise lzma.LZMAError(str(error)) from None
