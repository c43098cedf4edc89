"""Alias files as depmod writes them, and as disks and editors leave them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.matching.alias_files import (
    AliasEntry,
    all_aliases,
    all_builtin_aliases,
    read_builtin_modinfo,
    read_modules_alias,
)

PATTERN = "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*"
GOOD = f"alias {PATTERN} mlx5_vfio_pci\n".encode()
ENTRY = AliasEntry(PATTERN, "mlx5_vfio_pci", "modules.alias", 1)


def test_only_vfio_aliases_are_read(debian: Path) -> None:
    """Of 27,460 lines of a stock kernel, one is about VFIO."""
    data = (debian / "modules.alias").read_bytes()
    entries, warnings = read_modules_alias(data, "modules.alias")
    assert entries == (
        AliasEntry("vfio_pci:v*d*sv*sd*bc*sc*i*", "vfio_pci", "modules.alias", 21823),
    )
    assert warnings == ()


def test_every_variant_is_read_in_file_order(variant_aliases: bytes) -> None:
    """The lines of all variants give one entry each, numbered from 1."""
    entries, warnings = read_modules_alias(variant_aliases, "x")
    assert [entry.line for entry in entries] == list(range(1, 14))
    assert entries[0] == ENTRY
    assert warnings == ()


def test_comment_and_module_name_with_vfio_are_no_aliases() -> None:
    """Only the pattern of an alias line counts."""
    data = b"# vfio_pci: is a comment\nalias pci:v1d* my_vfio_pci\n" + GOOD
    entries, warnings = read_modules_alias(data, "x")
    assert [entry.line for entry in entries] == [3]
    assert warnings == ()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (GOOD.replace(b"\n", b"\r\n"), "ends in CR LF; trimmed"),
        (GOOD.replace(b" ", b"\t"), "separated by tabs; trimmed"),
        (b"  " + GOOD, "has extra blanks; trimmed"),
    ],
)
def test_lines_with_other_blanks_are_trimmed(data: bytes, said: str) -> None:
    """The entry is used, and the warning says where and what."""
    entries, warnings = read_modules_alias(b"# first\n" + data, "/m/modules.alias")
    assert entries == (ENTRY._replace(line=2),)
    assert [tuple(w) for w in warnings] == [("/m/modules.alias", 2, said)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"alias {PATTERN}\n".encode(), "truncated: no module name; skipped"),
        (GOOD[:-1] + b" more\n", "has words after the module name; skipped"),
        (b"als" + GOOD, "starts with 'alsalias' instead of alias; skipped"),
        (b"vfio_pci:v1\n", "starts with 'vfio_pci:v1' instead of alias; skipped"),
        (GOOD.replace(b"mlx5", b"\xff"), "not printable ASCII; skipped"),
        (GOOD.replace(b"mlx5", b"\0"), "not printable ASCII; skipped"),
        (GOOD.replace(b"mlx5", b"../x"), "module name '../x_vfio_pci'; skipped"),
        (GOOD.replace(b"mlx5", b"-f"), "module name '-f_vfio_pci'; skipped"),
    ],
)
def test_lines_that_say_nothing_are_skipped(line: bytes, said: str) -> None:
    """The line is not used, the next one is, and the warning says so."""
    entries, warnings = read_modules_alias(line + GOOD, "x")
    assert entries == (ENTRY._replace(line=2),)
    assert [w.line for w in warnings] == [1]
    assert warnings[0].text.endswith(said)


def test_file_that_is_cut_off_is_used_with_a_warning() -> None:
    """A last line without newline may be incomplete."""
    entries, warnings = read_modules_alias(GOOD + GOOD[:-1], "x")
    assert [entry.line for entry in entries] == [1, 2]
    assert [(w.line, w.text) for w in warnings] == [
        (2, "the last entry does not end in a newline: the file may be truncated")
    ]


def test_file_that_is_empty_is_said_to_be() -> None:
    """What a crash leaves of a file is no reason to be silent."""
    assert read_modules_alias(b"", "x").warnings[0].text == "the file is empty"


@given(
    data=st.binary() | st.text("alias vfio_pci:*\n\t\r#", max_size=60).map(str.encode)
)
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Whatever is in the file, entries are printable single words."""
    for reader in (read_modules_alias, read_builtin_modinfo):
        for entry in reader(data, "x").entries:
            assert entry.pattern.startswith("vfio_")
            assert entry.pattern.isprintable()
            assert len(entry.module.split()) == 1
            assert "/" not in entry.module
            assert not entry.module.startswith("-")


def test_builtin_modinfo_gives_aliases_of_builtin_modules() -> None:
    """Only the alias key counts, and records are numbered."""
    data = (
        b"vfio_pci.license=GPL v2\0vfio_pci.description=alias=vfio_pci: no\0"
        + f"mlx5_vfio_pci.alias={PATTERN}\0".encode()
        + b"vfio.alias=char-major-10-196\0"
    )
    entries, warnings = read_builtin_modinfo(data, "x")
    assert entries == (ENTRY._replace(source="modules.builtin.modinfo", line=3),)
    assert warnings == ()


def test_builtin_modinfo_that_is_cut_off_is_used_with_a_warning() -> None:
    """The last record has does not end in a NUL."""
    data = f"mlx5_vfio_pci.alias={PATTERN}".encode()
    entries, warnings = read_builtin_modinfo(data, "x")
    assert len(entries) == 1
    assert "does not end in a NUL" in warnings[0].text


def test_builtin_modinfo_of_a_stock_kernel_has_no_vfio_alias(debian: Path) -> None:
    """Before Linux 6.18 built-in modules have no device-table aliases."""
    data = (debian / "modules.builtin.modinfo").read_bytes()
    assert read_builtin_modinfo(data, "x") == ((), ())


def test_every_alias_is_read_as_it_is(debian: Path) -> None:
    """For lint, what is no well-formed alias counts, too."""
    data = (debian / "modules.alias").read_bytes()
    found = [*all_aliases(data)]
    lines = data.decode().splitlines()
    assert len(found) == sum(line.startswith("alias ") for line in lines)
    assert all(lines[n - 1] == f"alias {p} {m}" for n, p, m in found)
    assert [*all_aliases(b"#\n\nalias \xff /x\nalias y\n z\n\nalias a b")] == [
        (3, "\\xff", "/x"),
        (7, "a", "b"),
    ]


def test_every_alias_of_builtin_modules_is_read() -> None:
    """Records are numbered, and other keys skipped."""
    data = b"a.license=GPL\0a-b.alias=pci:v*\0a.alias=x.y=z"
    assert [*all_builtin_aliases(data)] == [(2, "pci:v*", "a-b"), (3, "x.y=z", "a")]


def test_a_line_can_be_one_word() -> None:
    """Records are found wherever they start, the shortest next to each other."""
    short = b"vfio_\nvfio_\n\nvfio_\n"
    assert [one.line for one in read_modules_alias(short, "x").warnings] == [1, 2, 4]


def test_record_of_a_built_in_module_is_checked() -> None:
    """Blanks around the pattern are trimmed; a blank inside makes it unusable."""
    data = (
        b"a.alias= vfio_pci:v1* \0b.alias=vfio_pci:v2 x\0"
        b"c.author=vfio_person\0d.alias=pci:vfio_\0e.alias=vfio_pci:v3*\0"
    )

    reading = read_builtin_modinfo(data, "file")

    assert [(one.pattern, one.module, one.line) for one in reading.entries] == [
        ("vfio_pci:v1*", "a", 1),
        ("vfio_pci:v3*", "e", 5),
    ]
    assert [tuple(one) for one in reading.warnings] == [
        ("file", 1, "has blanks around it; trimmed"),
        ("file", 2, "has a blank in the pattern; skipped"),
    ]


def test_unchecked_aliases_are_shown_with_escapes() -> None:
    """Bytes that are no text do not stop the reader."""
    assert list(all_builtin_aliases(b"a\xff.alias=b\xfe\0c.key=d\0")) == [
        (1, "b\\xfe", "a\\xff")
    ]
    assert list(all_aliases(b"alias b\xfe a\xff\nalias c\n")) == [
        (1, "b\\xfe", "a\\xff")
    ]


def test_warning_shows_forty_bytes() -> None:
    """A word may be as long as the file."""
    data = b"x" * 41 + b" vfio_pci:v* m\n"

    (warning,) = read_modules_alias(data, "file").warnings

    assert warning.text == f"starts with {'x' * 40!r} instead of alias; skipped"
