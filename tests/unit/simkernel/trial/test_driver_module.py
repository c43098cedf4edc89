"""Module files that are read, and those that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from simkernel.errors import UsageError
from simkernel.trial.driver_module import read_driver_module
from tests.unit.simkernel.trial.driver_files import VARIANT, module_file


def test_reads_modinfo(tmp_path: Path) -> None:
    """The result has name, aliases, dependencies and release."""
    module = read_driver_module(module_file(tmp_path), ("acme",))

    assert module.name == "acme_vfio_pci"
    assert module.aliases == [VARIANT]
    assert module.depends == ["vfio_pci_core", "vfio"]
    assert module.release == "6.12.0-acme"
    assert module.is_vfio


def test_truncated_zstd_file_is_refused(tmp_path: Path) -> None:
    """zstandard returns what it decompressed so far; that is no module."""
    data = zstandard.ZstdCompressor().compress(module_file(tmp_path).read_bytes())
    path = tmp_path / "acme-vfio-pci.ko.zst"
    path.write_bytes(data[: len(data) // 2])

    with pytest.raises(UsageError, match="acme-vfio-pci"):
        read_driver_module(path, ("acme",))


def test_file_not_named_after_its_module_is_refused(tmp_path: Path) -> None:
    """depmod uses the name of the file, the kernel that in the module."""
    path = module_file(tmp_path).rename(tmp_path / "other.ko")

    with pytest.raises(UsageError, match=r"rename the file to acme_vfio_pci\.ko"):
        read_driver_module(path, ("acme",))


def test_module_without_driver_name_is_refused(tmp_path: Path) -> None:
    """The hint names the option; the driver's name is not guessed."""
    with pytest.raises(UsageError, match="with --driver NAME"):
        read_driver_module(module_file(tmp_path))


@given(st.binary(max_size=300), st.integers(0, 2000), st.booleans())
def test_garbage_raises_no_other_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, at: int, is_named: bool
) -> None:
    """Any bytes are a module, or an error that names the file."""
    path = module_file(tmp_path_factory.mktemp("garbage"))
    whole = bytearray(path.read_bytes())
    whole[at : at + len(data)] = data
    path.write_bytes(whole)
    message = "acme-vfio-pci.ko"
    try:
        read_driver_module(path, ("acme",) if is_named else ())
    except UsageError as error:
        message = str(error)

    assert "acme-vfio-pci.ko" in message
