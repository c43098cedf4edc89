"""Module files: what is written is read back, and garbage does no harm."""

from __future__ import annotations

import contextlib
import errno

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simkernel.kmod.elf import ModuleImage, module_name, write_module

texts = st.text(st.characters(exclude_characters="\0=", codec="utf-8"), min_size=1)
IMAGE = write_module("m", [("license", "GPL"), ("name", "m")], needs=["n_interface"])


@settings(deadline=None)
@given(
    info=st.lists(st.tuples(texts, texts)),
    exports=st.lists(texts),
    needs=st.lists(texts.filter(lambda name: not name.startswith("__crc_"))),
)
def test_module_is_read_as_written(
    info: list[tuple[str, str]], exports: list[str], needs: list[str]
) -> None:
    """Pairs, exported and needed symbols survive, in order."""
    image = ModuleImage(write_module("m", info, exports=exports, needs=needs))

    assert (image.modinfo(), image.exported_symbols(), image.undefined_symbols()) == (
        info,
        exports,
        needs,
    )


@settings(deadline=None)
@given(
    at=st.integers(0, len(IMAGE)), junk=st.binary(max_size=70), cut=st.integers(0, 900)
)
def test_broken_file_gives_an_os_error_or_less(at: int, junk: bytes, cut: int) -> None:
    """Whatever is wrong inside, no other exception appears."""
    broken = (IMAGE[:at] + junk + IMAGE[at + len(junk) :])[: len(IMAGE) - cut]

    with contextlib.suppress(OSError):
        image = ModuleImage(broken)
        image.exported_symbols()
        image.undefined_symbols()
        module_name(broken)
        image.modinfo()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", errno.ENOEXEC),
        (b"not an elf, but long enough", errno.ENOEXEC),
        (b"\x7fELF\x02\x01" + b"\0" * 12, errno.EINVAL),
        (b"\x7fELF\x01\x01" + b"\0" * 80, errno.EINVAL),
        (b"\x7fELF\x02\x01" + b"\0" * 80, errno.EINVAL),
    ],
    ids=["empty", "text", "short", "32-bit", "no sections"],
)
def test_data_that_are_no_module_are_refused(data: bytes, expected: int) -> None:
    """ENOEXEC without the magic, EINVAL for a broken header."""
    with pytest.raises(OSError, match=r".") as caught:
        ModuleImage(data)

    assert caught.value.errno == expected


def test_name_without_modinfo_comes_from_the_module_structure() -> None:
    """Modules built before Linux 4.11 have no name in .modinfo."""
    assert module_name(write_module("old", [("license", "GPL")])) == "old"


def test_checksums_name_the_exported_symbols() -> None:
    """With __crc_ symbols present, only those count as exported."""
    image = ModuleImage(write_module("m", [], exports=["a"], needs=["__crc_b"]))

    assert image.exported_symbols() == ["b"]
