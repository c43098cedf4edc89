"""Fields of modules, from files and from the output of modinfo."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from resolver.matching.modinfo import (
    Field,
    has_signature,
    printed_modules,
    section_fields,
    split_builtin,
)


def test_section_has_a_nul_after_each_field() -> None:
    """A record without = is none; a value may contain more of them."""
    data = b"license=GPL\0\0alias=pci:v*\0parm=a=b\0rest"
    assert section_fields(data) == [
        ("license", "GPL", 0),
        ("alias", "pci:v*", 0),
        ("parm", "a=b", 0),
    ]


def test_record_of_a_builtin_module_has_three_parts() -> None:
    """The module ends at the first dot, the key at the first = after it."""
    assert split_builtin(b"vfio.parm=a.b=c") == (b"vfio", b"parm", b"a.b=c")
    assert split_builtin(b"rest") == (b"rest", b"", b"")


def test_printed_module_starts_at_its_filename() -> None:
    """Continued values are skipped; lines keep their numbers."""
    text = "filename: /a.ko\nsignature: 1:\n\t\t2:3\nalias: x\nfilename: /b.ko\n"
    one, other = printed_modules(text)
    assert one == [
        Field("filename", "/a.ko", 1),
        Field("signature", "1:", 2),
        Field("alias", "x", 4),
    ]
    assert other == [Field("filename", "/b.ko", 5)]


def test_signature_is_at_the_end_of_a_module() -> None:
    """The kernel looks for its marker there."""
    assert has_signature(b"\x7fELF..~Module signature appended~\n")
    assert not has_signature(b"\x7fELF..~Module signature appended~\n.")


@given(st.binary())
def test_any_content_is_read(data: bytes) -> None:
    """No content raises an error."""
    section_fields(data)
    split_builtin(data)
    list(printed_modules(data.decode("latin-1")))


def test_one_blank_makes_a_line_a_continuation() -> None:
    """modinfo(8) indents the lines of a signature."""
    text = "filename: a\n x: y\nlicense: GPL\n"

    assert list(printed_modules(text)) == [
        [Field("filename", "a", 1), Field("license", "GPL", 3)]
    ]
