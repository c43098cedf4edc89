"""Aliases as modpost writes them, and all others."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.lint.grammar import PciPattern, parse_pci, wrong
from resolver.lint.idtable import entries_of
from resolver.matching.alias_files import all_aliases
from resolver.matching.glob import matches

fields = st.one_of(st.just(0xFFFFFFFF), st.integers(0, 0xFFFF))


def test_every_alias_of_a_kernel_is_well_written(debian: Path) -> None:
    """The 27,000 lines that depmod wrote for Debian's kernel."""
    data = (debian / "modules.alias").read_bytes()
    problems = [one for _, one, _ in all_aliases(data) if wrong(one) is not None]

    assert problems == []


def test_every_alias_of_the_variants_is_well_written(variant_aliases: bytes) -> None:
    """What Linux has below drivers/vfio."""
    lines = [one for _, one, _ in all_aliases(variant_aliases)]

    assert lines
    assert [one for one in lines if wrong(one) is not None] == []


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("vfio_pci:v000015b3d0000101Esv*sd*bc*sc*i*", "lower case"),
        ("pci:v000015b3d0000101esv*sd*bc*sc*i*", "lower case"),
        ("vfio_pci:v000015B3d0000101Esv*sd*bc02sc00i00", "no * at its end"),
        ("vfio_pci:v15B3d101Esv*sd*bc*sc*i*", "v15B3 has 4 digits, not 8"),
        ("vfio_pci:v000015B3d0000101Esv*sd*bc*sc0*i*", "another form"),
        ("vfio_pci:v000015B3d0000101Esv*sd*", "field bc is missing"),
        ("vfio_pci:d0000101Ev000015B3sv*sd*bc*sc*i*", "the fields are d v sv"),
        ("vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i**", "another form"),
        ("vfio_pci:*", "another form"),
        ("vfio_cdx:v*d*sv*sd*c*x", "another form"),
        ("css:t0*", "another form"),
    ],
)
def test_what_is_wrong_is_said(pattern: str, problem: str) -> None:
    """A person reads which part it is."""
    found = wrong(pattern)

    assert found is not None
    assert problem in found
    assert parse_pci(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    [
        *("vfio_cdx:v*d*sv*sd*c*", "cdx:v10EEd8084sv*sd*c*", "fsl-mc:v00001957ddpni"),
        *("css:t0", "ap:t0A*", "platform:anything at all", "no colon", "usb:v*"),
    ],
)
def test_other_buses(pattern: str) -> None:
    """Those of VFIO are known, the others left alone."""
    assert wrong(pattern) is None


@given(
    entry=st.tuples(fields, fields, fields, fields),
    kind=st.integers(0, 0xFFFFFF),
    mask=st.sampled_from([0, 0xFF0000, 0xFFFF00, 0xFFFFFF]),
    flags=st.sampled_from([0, 1]),
)
def test_what_a_table_prints_is_well_written(
    entry: tuple[int, int, int, int], kind: int, mask: int, flags: int
) -> None:
    """Tables, grammar and patterns are of one mind about every entry."""
    data = struct.pack("<6IQI4x", *entry, kind, mask, 0, flags) + bytes(40)
    (found,) = entries_of(data, (), is_little=True, is_wide=True)

    assert wrong(found.alias) is None
    parsed = parse_pci(found.alias)
    assert parsed is not None
    values = [0 if one == 0xFFFFFFFF else one for one in entry]
    ids = "v{:08X}d{:08X}sv{:08X}sd{:08X}".format(*values)
    parts = f"bc{kind >> 16:02X}sc{kind >> 8 & 0xFF:02X}i{kind & 0xFF:02X}"
    prefix = found.alias.partition(":")[0]
    assert matches(found.alias, f"{prefix}:{ids}{parts}")
    assert parsed.overlaps(parsed)


def test_overlap_is_by_fields() -> None:
    """Two patterns concern one device where no field of theirs contradicts."""
    wide = PciPattern("000015B3", "*", "*", "*", "*", "*", "*")
    one = PciPattern("000015B3", "0000101E", "*", "00000023", "*", "*", "*")
    other = PciPattern("*", "*", "*", "00000024", "*", "*", "*")

    assert wide.overlaps(one)
    assert wide.overlaps(other)
    assert not one.overlaps(other)
