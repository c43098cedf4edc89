"""Module files that are broken in every way, and what must be so for each of them."""

from __future__ import annotations

import gzip
import json
import lzma
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import zstandard
from hypothesis import strategies as st

from resolver.lint import document, junit, sarif, text
from resolver.lint.elf import read_module
from resolver.lint.judgement import judge, selected
from resolver.lint.module import Module, Unreadable
from resolver.lint.names import Names
from resolver.lint.packing import BadFile, unpack

CORPUS = Path(__file__).parent / "data" / "lint-corpus"
_HEADER_BYTES = 64
_NAMES = Names(b"15b3  Mellanox Technologies\n\t101e  ConnectX VF\n")

_SMALL = (*range(12), 0x17, 0x18, 0x28, 0x40, 0xFF, 0x100, 0xFFF)
_LARGE = (0xFFFF, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)
numbers = st.sampled_from([*_SMALL, *_LARGE])


def seeds() -> list[bytes]:
    """Return what the garbage is made from."""
    return [one.read_bytes() for one in sorted(CORPUS.iterdir())]


@st.composite
def garbage(draw: st.DrawFn, corpus: list[bytes]) -> bytes:
    """Draw a file: one of the corpus with changes anywhere, perhaps packed again."""
    data = bytearray(draw(st.sampled_from(corpus)))
    for _ in range(draw(st.integers(0, 6))):
        _change(draw, data)
    how = draw(st.sampled_from(["plain", "plain", "plain", "xz", "gz", "zst", "cut"]))
    whole = bytes(data)
    if how == "cut":
        return whole[: draw(st.integers(0, len(whole)))]
    if how == "xz":
        return lzma.compress(whole, preset=0)
    if how == "gz":
        return gzip.compress(whole, 1)
    return zstandard.ZstdCompressor(1).compress(whole) if how == "zst" else whole


# What matters most is in the header of the file and in the table of its sections,
# which is what the file ends with.
def _change(draw: st.DrawFn, data: bytearray) -> None:
    if not data:
        return
    places = (range(_HEADER_BYTES), range(-3000, 0), range(len(data)))
    part = draw(st.sampled_from(places))
    place = draw(st.integers(part.start, part.stop - 1)) % len(data)
    kind = draw(st.sampled_from(["number", "number", "bytes", "copy", "remove"]))
    if kind == "number":
        size = draw(st.sampled_from([1, 2, 4, 8]))
        place -= place % size
        value = draw(numbers) % (1 << 8 * size)
        data[place : place + size] = value.to_bytes(size, "little")
    elif kind == "bytes":
        new = draw(st.binary(max_size=16))
        data[place : place + len(new)] = new
    elif kind == "copy":
        start = draw(st.integers(0, len(data) - 1))
        piece = data[start : start + 64]
        data[place : place + len(piece)] = piece
    else:
        del data[place : place + draw(st.integers(1, 64))]


def read(data: bytes) -> Module | Unreadable:
    """Return what is read of a file; anything but a clear answer is raised."""
    try:
        return read_module(unpack(data), "a.ko")
    except BadFile as problem:
        return Unreadable("a.ko", str(problem))


def look_at(data: bytes) -> None:
    """Read a file, judge it, and say what came of it in every form."""
    found = read(data)
    assert isinstance(found, Module) or found.why
    report = judge([found], None, _NAMES, selected((), ()))
    lines = [line for _, line in text.lines(report, _NAMES)]
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert lines[-1].startswith(("0 modules, 1 error", "1 module, "))
    json.dumps(document.report_document(report, 0))
    json.dumps(sarif.sarif_log(report, "0"))
    ElementTree.fromstring(junit.junit_report(report, is_strict=True))
