"""Files of resolver: whole, or not at all."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resolver.linux.files import replace_file

_WRITERS = """
import sys
from resolver.linux.files import replace_file

path, letter = sys.argv[1:]
for _ in range(200):
    replace_file(path, letter.encode() * 50_000)
"""


@pytest.fixture
def small_files() -> Iterator[int]:
    """Limit files to some bytes, as a full disk does: the write before is short."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    yield 8192
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


def test_short_write_is_an_error(tmp_path: Path, small_files: int) -> None:
    """The previous content stays, and no other file."""
    path = tmp_path / "record"
    path.write_bytes(b"before")
    with pytest.raises(OSError, match="File too large"):
        replace_file(str(path), b"x" * (small_files + 1))
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["record"]


def test_error_names_the_file(tmp_path: Path, small_files: int) -> None:
    """A write has no file name of its own."""
    path = str(tmp_path / "record")
    with pytest.raises(OSError, match="File too large") as caught:
        replace_file(path, b"x" * (small_files + 1))
    assert caught.value.filename == path


@pytest.mark.parametrize(
    ("is_public", "modes"), [(True, (0o755, 0o644)), (False, (0o700, 0o600))]
)
def test_only_public_files_ignore_the_umask(
    tmp_path: Path, is_public: bool, modes: tuple[int, int]
) -> None:
    """Users read /run/resolver; a cache stays as private as its user wants."""
    before = os.umask(0o077)
    try:
        replace_file(str(tmp_path / "a/b/file"), b"x", is_public=is_public)
    finally:
        os.umask(before)
    folder, file = modes
    assert [
        os.stat(tmp_path / name).st_mode & 0o777 for name in ("a", "a/b", "a/b/file")
    ] == [folder, folder, file]


@pytest.mark.real
def test_writers_of_one_file_wait_for_each_other(tmp_path: Path) -> None:
    """Each of them succeeds, and the file is one of theirs."""
    path = tmp_path / "cache"
    command = [sys.executable, "-c", _WRITERS, str(path)]
    writers = [
        subprocess.Popen([*command, letter], stderr=subprocess.PIPE) for letter in "abc"
    ]
    assert [writer.communicate(timeout=120)[1] for writer in writers] == [b""] * 3
    assert set(path.read_text()) in ({"a"}, {"b"}, {"c"})
    assert os.listdir(tmp_path) == ["cache"]


def test_file_of_an_ended_run_is_used_again(tmp_path: Path) -> None:
    """A killed run may leave its temporary file."""
    (tmp_path / ".record.new").write_bytes(b"more than the next run writes")
    replace_file(str(tmp_path / "record"), b"next")
    assert (tmp_path / "record").read_bytes() == b"next"
    assert os.listdir(tmp_path) == ["record"]
