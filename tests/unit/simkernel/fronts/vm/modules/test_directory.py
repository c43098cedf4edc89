"""The cache key of a module directory."""

from __future__ import annotations

from pathlib import Path

import pytest

import simkernel.fronts.vm.modules.directory as module
from simkernel.fronts.vm.modules.directory import source_files


@pytest.mark.real
def test_key_covers_every_source_of_the_package() -> None:
    """Python and C, in the package's own folder and below it."""
    package = Path(module.__file__).parent
    names = {str(path.relative_to(package)) for path in source_files(package)}

    assert {"origins.py", "prebuilt.py", "simpci/bus.c", "stub/stub.h"} <= names
    assert not any(name.endswith(".pyc") for name in names)


@pytest.mark.real
def test_new_file_is_covered(tmp_path: Path) -> None:
    """A new file needs no entry in a list."""
    (tmp_path / "more" / "__pycache__").mkdir(parents=True)
    for name in ("a.py", "more/b.c", "more/__pycache__/b.pyc"):
        (tmp_path / name).write_text("x")

    names = [path.name for path in source_files(tmp_path)]

    assert names == ["a.py", "b.c"]
