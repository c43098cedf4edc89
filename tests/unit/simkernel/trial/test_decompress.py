"""Decompression of module files, up to a limit."""

from __future__ import annotations

import gzip
import lzma

import pytest
import zstandard

from simkernel.errors import UsageError
from simkernel.trial.decompress import decompressed

COMPRESSORS = {
    "xz": lzma.compress,
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
MODULE = b"\x7fELF" + bytes(range(256)) * 40


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_first_bytes_determine_the_compression(kind: str) -> None:
    """The name of the file does not matter."""
    assert decompressed(COMPRESSORS[kind](MODULE), "m.ko") == MODULE


def test_uncompressed_data_are_unchanged() -> None:
    """A plain module passes through."""
    assert decompressed(MODULE, "m.ko") == MODULE


@pytest.mark.parametrize("kind", ["xz", "gzip"])
def test_truncated_data_are_refused(kind: str) -> None:
    """Half a file is an error, which names the file."""
    data = COMPRESSORS[kind](MODULE)

    with pytest.raises(UsageError, match=r"m\.ko is truncated"):
        decompressed(data[: len(data) // 2], "m.ko")


def test_decompression_bomb_is_refused() -> None:
    """At most the limit is decompressed."""
    data = gzip.compress(bytes(200 << 20), compresslevel=1)

    with pytest.raises(UsageError, match=r"m\.ko: larger than 128 MiB"):
        decompressed(data, "m.ko")
