"""Traces of the fakefs tier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from simkernel.cli import cli
from simkernel.testing import Sim

VF = "/sys/bus/pci/devices/0000:3b:00.2"


def operations(path: Path) -> list[dict[str, Any]]:
    """Return the operations in a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def traced(tmp_path: Path, code: str) -> list[tuple[str, str, object, object]]:
    """Run Python code on a host; return op, path, data and errno of its operations."""
    trace = tmp_path / "trace.jsonl"
    with Sim("mlx5_vfio_pci", via="fakefs", trace=trace) as host:
        done = host.run(["python", "-c", code])
        assert done.stderr == ""
    return [
        (one["op"], one["path"], one["data"], one["errno"]) for one in operations(trace)
    ]


OPEN = ("open", f"{VF}/driver_override", None, None)
READ = ("read", f"{VF}/driver_override", "(null)\n", None)
END = ("read", f"{VF}/driver_override", "", None)
WRITE = ("write", f"{VF}/driver_override", "x", None)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (f"import pathlib; pathlib.Path('{VF}/driver_override').read_text()", 0),
        (f"open('{VF}/driver_override').read()", 0),
        (
            f"import os; f = os.open('{VF}/driver_override', os.O_RDONLY);"
            "os.read(f, 99); os.read(f, 99)",
            0,
        ),
        (f"import pathlib; pathlib.Path('{VF}/driver_override').write_text('x')", 1),
        (f"import os; os.write(os.open('{VF}/driver_override', 1), b'x')", 1),
    ],
)
def test_reads_and_writes_are_recorded_once(
    tmp_path: Path, code: str, expected: int
) -> None:
    """Whichever function of Python made them."""
    wanted = [[OPEN, READ, END], [OPEN, WRITE]][expected]

    assert wanted == traced(tmp_path, code)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (f"os.stat('{VF}')", ("stat", VF, None, None)),
        (f"os.path.exists('{VF}')", ("stat", VF, None, None)),
        (f"pathlib.Path('{VF}').exists()", ("stat", VF, None, None)),
        (f"os.path.isdir('{VF}x')", ("stat", f"{VF}x", None, "ENOENT")),
        (f"pathlib.Path('{VF}x').is_file()", ("stat", f"{VF}x", None, "ENOENT")),
        (f"os.listdir('{VF}')", ("listdir", VF, None, None)),
        (f"list(os.scandir('{VF}'))", ("listdir", VF, None, None)),
        (f"list(pathlib.Path('{VF}').iterdir())", ("listdir", VF, None, None)),
        (
            f"os.readlink('{VF}/driver')",
            (
                "readlink",
                f"{VF}/driver",
                "../../../../bus/pci/drivers/mlx5_core",
                None,
            ),
        ),
        (
            "os.chdir('/sys/bus/pci'); os.listdir('drivers')",
            ("listdir", "/sys/bus/pci/drivers", None, None),
        ),
    ],
)
def test_look_ups_are_recorded_once(
    tmp_path: Path, code: str, expected: tuple[object, ...]
) -> None:
    """With the absolute form of the path that the program used."""
    assert [expected] == [
        one
        for one in traced(tmp_path, f"import os, pathlib; {code}")
        if one[1] != "/sys/bus/pci"
    ]


def test_refused_operation_has_its_errno(tmp_path: Path) -> None:
    """For an open and for a write."""
    code = (
        "import os\n"
        "for path in ('/sys/nosuch', '/sys/bus/pci/drivers_probe'):\n"
        "    try: os.write(os.open(path, os.O_WRONLY), b'99:00.0')\n"
        "    except OSError: pass\n"
    )

    assert traced(tmp_path, code) == [
        ("open", "/sys/nosuch", None, "ENOENT"),
        ("open", "/sys/bus/pci/drivers_probe", None, None),
        ("write", "/sys/bus/pci/drivers_probe", "99:00.0", "ENODEV"),
    ]


def test_operations_have_the_name_of_the_started_program(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are escaped."""
    trace = tmp_path / "trace.jsonl"
    code = (
        "import os, subprocess; subprocess.run(['modprobe', 'vfio_pci'], check=True);"
        f"os.write(os.open('{VF}/driver_override', 1), b'\\xff')"
    )
    with Sim("mlx5_vfio_pci", via="fakefs", trace=trace) as host:
        host.run(["python", "-c", code], check=True)

    found = operations(trace)
    (start,) = (one for one in found if one["op"] == "exec")
    assert start["data"] == "modprobe vfio_pci"
    assert {one["comm"] for one in found} == {"modprobe", "python"}
    assert found[-1]["data"] == "\\xff"
    assert all(set(one) == set(start) for one in found)
    assert [one["time"] for one in found] == sorted(one["time"] for one in found)


def test_other_files_are_not_recorded(tmp_path: Path) -> None:
    """Neither the program's own files nor the reads of its imports."""
    assert traced(tmp_path, "import json, zipapp; open('/tmp/x', 'w').write('x')") == []


def test_command_writes_the_trace(tmp_path: Path) -> None:
    """``simkernel run --record-trace FILE``."""
    trace = tmp_path / "trace.jsonl"
    words = ["run", "--record-trace", str(trace), "mlx5_vfio_pci", "--", "python", "-c"]

    assert CliRunner().invoke(cli, [*words, f"open('{VF}/vendor')"]).exit_code == 0
    assert [one["op"] for one in operations(trace)] == ["open"]
