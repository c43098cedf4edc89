"""Read a module file that may be compressed."""

from __future__ import annotations

import errno
import lzma
from typing import Final

from simkernel.kmod.files import Files

__all__ = ["read_module_file", "uncompressed"]

_XZ_MAGIC: Final = b"\xfd7zXZ\x00"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"


def read_module_file(files: Files, path: str) -> bytes:
    """Return the uncompressed content of a module file.

    :raises OSError: as ``Files.read`` and :func:`uncompressed`.
    """
    return uncompressed(files.read(path))


def uncompressed(data: bytes) -> bytes:
    """Return the uncompressed content of a module file.

    :raises OSError: EINVAL, the file is shorter than 6 bytes, its compression is
        broken, or it is zstd, which only the real kmod can read.

    Source: libkmod-file.c kmod_file_open().
    """
    if len(data) < len(_XZ_MAGIC):
        raise OSError(errno.EINVAL, "Invalid argument")
    if data.startswith(_XZ_MAGIC):
        try:
            return lzma.decompress(data)
        except lzma.LZMAError:
            raise OSError(errno.EINVAL, "Invalid argument") from None
    if data.startswith(_ZSTD_MAGIC):
        raise OSError(errno.EINVAL, "Invalid argument")
    return data
