"""Whatever a file is, there is a clear answer, soon, and in bounded memory."""

from __future__ import annotations

import gzip
import lzma
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings

from resolver.lint.module import Module
from tests.garbage import CORPUS, garbage, look_at, read, seeds

SEEDS = seeds()
WELL = {"good.ko", "good.ko.gz", "good.ko.xz", "good.ko.zst", "signed.ko"}
BOMB_BYTES = 300 << 20


@given(garbage(SEEDS))
@settings(deadline=5000)
def test_garbage_has_a_clear_answer(data: bytes) -> None:
    """No error but the one that says what is wrong with the file.

    ``python -m tests.lint.fuzz 300`` does the same for five minutes.
    """
    look_at(data)


@pytest.mark.parametrize("name", sorted(one.name for one in CORPUS.iterdir()))
def test_corpus(name: str) -> None:
    """A whole file is read, a truncated one is reported, and nothing raises."""
    data = (CORPUS / name).read_bytes()
    look_at(data)
    found = read(data)

    if name in WELL:
        assert isinstance(found, Module)
        assert found.binary is not None
        assert found.binary.drivers == ("good_vfio_pci",)
        assert found.is_signed == (name == "signed.ko")
    if name.startswith("cut"):
        assert not isinstance(found, Module)
        assert found.why.startswith("truncated")


def bomb(ending: str) -> bytes:
    """Return a small file that becomes a large one."""
    chunks = [b"\0" * (1 << 20)] * (BOMB_BYTES >> 20)
    if ending == "xz":
        packer = lzma.LZMACompressor(preset=0)
        return b"".join([*map(packer.compress, chunks), packer.flush()])
    if ending == "zst":
        made = zstandard.ZstdCompressor().compressobj()
        return b"".join([*map(made.compress, chunks), made.flush()])
    return gzip.compress(b"\0" * BOMB_BYTES, 1)


@pytest.mark.real
@pytest.mark.parametrize("ending", ["xz", "gz", "zst"])
def test_what_unpacks_without_end_is_refused(tmp_path: Path, ending: str) -> None:
    """It takes no more memory than the largest module that is allowed."""
    file = tmp_path / f"bomb.ko.{ending}"
    file.write_bytes(bomb(ending))
    done = lint_in(768 << 20, file)

    assert done.returncode == 1, done.stderr
    assert "more than 256 MiB when unpacked [unreadable]" in done.stdout


@pytest.mark.real
def test_large_files_are_not_read(tmp_path: Path) -> None:
    """A file of a terabyte that has nothing in it is no work."""
    file = tmp_path / "large.ko"
    with file.open("wb") as stream:
        stream.truncate(1 << 40)
    done = lint_in(512 << 20, file)

    assert done.returncode == 1, done.stderr
    assert "more than 256 MiB [unreadable]" in done.stdout


@pytest.mark.real
def test_tables_that_lead_in_circles_take_no_time(tmp_path: Path) -> None:
    """A name without end, for each of thousands of sections."""
    data = bytearray((CORPUS / "good.ko").read_bytes())
    sections = struct.unpack_from("<Q", data, 0x28)[0]
    header = bytes(data[sections + 64 : sections + 128])
    data[0x28:0x30] = len(data).to_bytes(8, "little")
    data[0x3C:0x40] = struct.pack("<HH", 19_000, 1)
    data += header.replace(header[0x18:0x20], (64).to_bytes(8, "little")) * 19_000
    data += b"x" * (32 << 20)
    file = tmp_path / "circles.ko"
    file.write_bytes(data)
    done = lint_in(512 << 20, file, seconds=60)

    assert done.returncode == 1, done.stderr
    assert "[unreadable]" in done.stdout


def lint_in(
    memory: int, file: Path, *, seconds: int = 120
) -> subprocess.CompletedProcess[str]:
    """Lint a file with so many bytes of address space, in so much time."""
    code = (
        "import resource; from resolver.cli import main;"
        f"resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}));"
        "main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, "lint", str(file)],
        capture_output=True,
        text=True,
        timeout=seconds,
    )
