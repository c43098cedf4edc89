"""The DMAR table in the initial RAM disk."""

from __future__ import annotations

from simkernel.fronts.vm.machine.initramfs import dmar_table


def test_table_is_one_that_the_kernel_takes() -> None:
    """Signature, length and checksum are right, the revision is above QEMU's."""
    table = dmar_table()

    assert table[:4] == b"DMAR"
    assert len(table) == int.from_bytes(table[4:8], "little") == 64
    assert sum(table) % 256 == 0
    assert table[16:24] == b"BXPC    "
    assert int.from_bytes(table[24:28], "little") == 2


def test_unit_is_for_every_function() -> None:
    """The only unit includes all functions."""
    unit = dmar_table()[48:]

    assert (unit[0], unit[2]) == (0, 16)
    assert unit[4] == 1
    assert int.from_bytes(unit[8:16], "little") == 0xFED90000
