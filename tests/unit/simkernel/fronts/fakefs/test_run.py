"""One command on the fakefs tier: its exit code, and the files that are kept."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from simkernel.fronts.fakefs.run import run
from simkernel.host.host import Host
from tests.bench import host_of


def _host() -> Host:
    return host_of("mlx5_vfio_pci")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pass", 0),
        ("raise SystemExit(7)", 7),
        ("import sys; sys.exit('text')", 1),
        ("1/0", 1),
        ("raise KeyboardInterrupt", 130),
    ],
)
def test_run_returns_the_exit_code_of_the_program(code: str, expected: int) -> None:
    """For each way in which a program can end."""
    assert expected == run(_host(), ["python", "-c", code])


def test_files_in_the_working_directory_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results reach the disk; the simulated host's files do not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").write_text("old")
    (tmp_path / "same").write_text("same")
    script = (
        "import os; open('new','w').write('new'); open('old','a').write('er');"
        "open('/run/gone','w').write('x'); os.mkdir('d'); open('d/deep','w').write('1')"
    )

    assert run(_host(), ["python", "-c", script]) == 0

    found = {
        str(path.relative_to(tmp_path)): path.read_text()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert found == {"new": "new", "old": "older", "same": "same", "d/deep": "1"}
    assert not os.path.exists("/run/gone")


def test_files_in_the_temporary_folder_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyfakefs creates a temporary folder, which must not cover the real one."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    assert run(_host(), ["python", "-c", "open('new', 'w').write('x')"]) == 0

    assert (tmp_path / "new").read_text() == "x"


def test_link_from_a_kept_folder_does_not_leak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link in the working directory to the host's /run writes nothing real."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("/run")

    assert run(_host(), ["python", "-c", "open('link/leak', 'w').write('x')"]) == 0

    assert [path.name for path in tmp_path.iterdir()] == ["link"]
    assert not os.path.exists("/run/leak")
