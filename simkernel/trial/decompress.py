"""Decompress module files, up to a limit.

Pure: bytes in, bytes out. The first bytes of a file determine its compression.
"""

from __future__ import annotations

import io
import lzma
import zlib
from typing import Final

from simkernel.errors import UsageError

__all__ = ["decompressed"]

_LIMIT_BYTES: Final = 128 << 20
"""Largest module accepted; the largest of a distribution kernel has 10 MiB."""


def decompressed(data: bytes, name: str) -> bytes:
    """Return data, decompressed if they are xz, zstd or gzip.

    :param name: the file, for errors.
    :raises UsageError: the data are corrupt, truncated or too large, or zstandard is
        not installed.
    """
    try:
        whole, is_complete = _unpacked(data)
    except (lzma.LZMAError, zlib.error) as error:
        raise UsageError(f"cannot decompress {name}: {error}") from None
    if len(whole) > _LIMIT_BYTES:
        raise UsageError(f"{name}: larger than {_LIMIT_BYTES >> 20} MiB")
    if not is_complete:
        raise UsageError(f"{name} is truncated, or compressed twice")
    return whole


def _unpacked(data: bytes) -> tuple[bytes, bool]:
    """Return the data, up to the limit, and whether they are whole."""
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
            "cannot decompress a zstd module: zstandard is not installed",
            hint="run pip install 'simkernel[lint]'",
        ) from None
    decompressor = zstandard.ZstdDecompressor(max_window_size=_LIMIT_BYTES)
    try:
        with decompressor.stream_reader(io.BytesIO(data)) as stream:
            return stream.read(most), True
    except zstandard.ZstdError as error:
        raise lzma.LZMAError(str(error)) from None
