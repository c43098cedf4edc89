"""Drivers and tables are found as compilers lay them out for other kernels."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from resolver.lint.elf import read_module
from resolver.lint.module import TableEntry

pytestmark = pytest.mark.real

SOURCE = Path(__file__).parent / "layouts.c"
EXTERN = (
    'extern const struct pci_device_id {}[3] __attribute__((unused, alias("table")))'
)
STATIC = 'static typeof(table) {} __attribute__((used, alias("table")))'
SYMBOLS = {
    "suffix": EXTERN.format("__mod_pci__table_device_table"),
    "prefix": STATIC.format("__mod_device_table__pci__table"),
    "prefix-with-module": STATIC.format("__mod_device_table__kmod_acme__pci__table"),
}
"""What MODULE_DEVICE_TABLE has made, the oldest first.

Source: Linux, include/linux/module.h; the first is that of 6.12 and older.
"""


def compiled(tmp_path: Path, *words: str) -> bytes:
    """Return the object file that the compiler makes."""
    if shutil.which("gcc") is None:
        assert os.environ.get("SIMKERNEL_FORCE_VM") != "1", "there is no gcc"
        pytest.skip("there is no gcc (SIMKERNEL_FORCE_VM=1 makes this a failure)")
    file = tmp_path / "acme.o"
    options = ["-c", "-O2", "-Wall", "-ffreestanding", "-fno-pie", "-o", str(file)]
    subprocess.run(["gcc", *options, *words, str(SOURCE)], check=True)
    return file.read_bytes()


@pytest.mark.parametrize("symbols", SYMBOLS)
@pytest.mark.parametrize("bits", ["-m64", "-m32"])
@pytest.mark.parametrize("layout", ["", "-DWITH_NODE", "-DBEFORE_5_16"])
def test_drivers_and_entries(
    tmp_path: Path, symbols: str, bits: str, layout: str
) -> None:
    """Wherever the name and the table stand, and however wide they are."""
    symbol = f"-DTABLE_SYMBOL(table)={SYMBOLS[symbols]}"
    data = compiled(tmp_path, bits, symbol, *filter(None, [layout]))
    binary = read_module(data, "acme.ko").binary

    assert binary is not None
    assert tuple(sorted(binary.drivers)) == ("an-acme-driver", "another")
    assert binary.entries == (
        TableEntry("15b3:101e", "pci:v000015B3d0000101Esv*sd*bc*sc*i*"),
        TableEntry(
            "8086:1234 class 020000 mask ffff00",
            "pci:v00008086d00001234sv*sd*bc02sc00i*",
        ),
    )
    assert "vfio_pci_core_enable" in binary.needs
