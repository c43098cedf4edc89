"""Names and paths in the lists of a module directory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.matching.module_lists import (
    builtin_modules,
    module_name,
    module_paths,
    name_of_file,
)


def test_builtin_modules_are_named_with_underscores(debian: Path) -> None:
    """Names are those of /sys/module."""
    modules = builtin_modules((debian / "modules.builtin").read_bytes())
    assert "virtio_pci" in modules
    assert not any("-" in name or "/" in name for name in modules)


@pytest.mark.parametrize("suffix", ["", ".xz", ".gz", ".zst"])
def test_module_name_of_a_file(suffix: str) -> None:
    """Directory, compression and dashes go."""
    path = f"kernel/drivers/vfio/pci/mlx5/mlx5-vfio-pci.ko{suffix}"
    assert name_of_file(path) == "mlx5_vfio_pci"


def test_paths_are_by_name() -> None:
    """modules.dep has the file of each module before the colon."""
    data = (
        b"kernel/a/vfio-pci.ko.xz: kernel/b.ko\nupdates/x.ko:\n\nrest\nkernel/x.ko:\n"
    )
    expected = {"vfio_pci": "kernel/a/vfio-pci.ko.xz", "x": "updates/x.ko"}
    assert expected == module_paths(data)


@given(st.binary())
def test_any_content_is_read(data: bytes) -> None:
    """No content raises an error; names have no dash."""
    for name in (*module_paths(data), *builtin_modules(data)):
        assert name == module_name(name)


def test_files_of_a_module_directory_may_have_any_bytes() -> None:
    """Blank lines are no modules; a name with bytes that are no text is kept."""
    data = b"kernel/a-b.ko\n\n  kernel/c\xff.ko.xz  \n kernel/d.ko"
    assert builtin_modules(data) == {"a_b", "c\ufffd", "d"}
    assert builtin_modules(b"") == frozenset()
    assert module_paths(b"kernel/c\xff.ko: kernel/a.ko:\n") == {
        "c\udcff": "kernel/c\udcff.ko"
    }
    assert name_of_file("a.ko/b-c.ko.ko") == "b_c"
    assert module_name(" a-b-c \n") == "a_b_c"
