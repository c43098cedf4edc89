"""The order in which depmod walks its hash tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["MODULE_BUCKETS", "SYMBOL_BUCKETS", "bucket_order"]

MODULE_BUCKETS: Final = 512
"""Size of depmod's table of modules."""
SYMBOL_BUCKETS: Final = 2048
"""Size of depmod's table of symbols."""
_MASK: Final = 0xFFFFFFFF


def bucket_order(names: Iterable[str], buckets: int) -> list[str]:
    """Return names by bucket, inside a bucket by bytes.

    :param buckets: number of buckets, a power of two.

    Source: kmod shared/hash.c hash_add(), hash_iter_next().
    """
    encoded = (name.encode("utf-8", "surrogateescape") for name in names)
    ordered = sorted((_hash(key) & (buckets - 1), key) for key in encoded)
    return [key.decode("utf-8", "surrogateescape") for _, key in ordered]


def _hash(key: bytes) -> int:
    # Paul Hsieh's SuperFastHash, seeded with the length, on little-endian pairs.
    value = len(key)
    whole = len(key) & ~3
    for at in range(0, whole, 4):
        value = (value + _pair(key, at)) & _MASK
        mixed = (_pair(key, at + 2) << 11) ^ value
        value = ((value << 16) ^ mixed) & _MASK
        value = (value + (value >> 11)) & _MASK
    value = _mix_rest(value, key[whole:])
    for left, right in ((3, 5), (4, 17), (25, 6)):
        value ^= (value << left) & _MASK
        value = (value + (value >> right)) & _MASK
    return value


def _mix_rest(value: int, rest: bytes) -> int:
    # The one to three bytes after the last whole group of four.
    if len(rest) == 3:
        value = (value + _pair(rest, 0)) & _MASK
        value ^= (value << 16) & _MASK
        value ^= (_signed(rest[2]) << 18) & _MASK
        return (value + (value >> 11)) & _MASK
    if len(rest) == 2:
        value = (value + _pair(rest, 0)) & _MASK
        value ^= (value << 11) & _MASK
        return (value + (value >> 17)) & _MASK
    if len(rest) == 1:
        value = (value + _signed(rest[0])) & _MASK
        value ^= (value << 10) & _MASK
        return (value + (value >> 1)) & _MASK
    return value


def _pair(key: bytes, at: int) -> int:
    return key[at] | key[at + 1] << 8


def _signed(byte: int) -> int:
    # char is signed on x86.
    return byte - 256 if byte > 127 else byte
