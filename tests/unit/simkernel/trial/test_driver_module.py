"""Module files: what is read, and what is refused."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from simkernel.errors import UsageError
from simkernel.trial.driver_module import read_driver_module
from tests.unit.simkernel.trial.driver_files import VARIANT, module_file

PACKERS = {
    ".xz": lzma.compress,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def test_a_file_says_what_is_needed(tmp_path: Path) -> None:
    """Name, aliases, dependencies, release."""
    module = read_driver_module(module_file(tmp_path), ("acme",))

    assert module.name == "acme_vfio_pci"
    assert module.aliases == [VARIANT]
    assert module.depends == ["vfio_pci_core", "vfio"]
    assert module.release == "6.12.0-acme"
    assert module.is_vfio


@pytest.mark.parametrize("suffix", PACKERS)
def test_packed_files_are_the_same(tmp_path: Path, suffix: str) -> None:
    """As depmod takes them."""
    path = module_file(tmp_path)
    packed = Path(f"{path}{suffix}")
    packed.write_bytes(PACKERS[suffix](path.read_bytes()))

    assert read_driver_module(packed, ("acme",)).data == path.read_bytes()


@pytest.mark.parametrize("suffix", PACKERS)
def test_cut_off_files_are_told(tmp_path: Path, suffix: str) -> None:
    """Half a file is no module."""
    path = module_file(tmp_path)
    packed = Path(f"{path}{suffix}")
    data = PACKERS[suffix](path.read_bytes())
    packed.write_bytes(data[: len(data) // 2])

    with pytest.raises(UsageError, match="acme-vfio-pci"):
        read_driver_module(packed, ("acme",))


def test_a_bomb_is_told(tmp_path: Path) -> None:
    """No more than the limit is ever unpacked."""
    path = tmp_path / "bomb.ko.gz"
    path.write_bytes(gzip.compress(bytes(200 << 20), compresslevel=1))

    with pytest.raises(UsageError, match="more than 128 MiB"):
        read_driver_module(path)


def test_a_file_that_is_called_otherwise_is_told(tmp_path: Path) -> None:
    """depmod goes by the file's name, the kernel by the module's."""
    path = module_file(tmp_path).rename(tmp_path / "other.ko")

    with pytest.raises(UsageError, match="rename the file"):
        read_driver_module(path, ("acme",))


def test_a_name_that_does_not_show_is_asked_for(tmp_path: Path) -> None:
    """No driver's name is guessed."""
    with pytest.raises(UsageError, match="say --driver NAME"):
        read_driver_module(module_file(tmp_path))


@given(st.binary(max_size=300), st.integers(0, 2000), st.booleans())
def test_garbage_is_told_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, at: int, is_named: bool
) -> None:
    """Whatever is in a file, it is a module or an error with its name."""
    path = module_file(tmp_path_factory.mktemp("garbage"))
    whole = bytearray(path.read_bytes())
    whole[at : at + len(data)] = data
    path.write_bytes(whole)
    said = "acme-vfio-pci.ko"
    try:
        read_driver_module(path, ("acme",) if is_named else ())
    except UsageError as error:
        said = str(error)

    assert "acme-vfio-pci.ko" in said
