"""Traces of the fuse tier."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from simkernel.testing import Sim
from tests.fuse import needs_fuse

pytestmark = [pytest.mark.real, needs_fuse]

DEVICE = "/sys/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.2"
LINK = "/sys/bus/pci/devices/0000:3b:00.2"


def traced(tmp_path: Path, script: str) -> list[dict[str, Any]]:
    """Run a shell script on a host and return the trace."""
    trace = tmp_path / "trace.jsonl"
    with Sim("mlx5_vfio_pci", via="fuse", trace=trace) as host:
        host.run(["sh", "-c", script])
    lines = trace.read_text(encoding="utf-8").splitlines()
    return sorted((json.loads(line) for line in lines), key=lambda one: one["time"])


def of(found: list[dict[str, Any]], comm: str) -> list[tuple[object, ...]]:
    """Return op, path, data and errno of one program's operations."""
    return [
        (one["op"], one["path"], one["data"], one["errno"])
        for one in found
        if one["comm"] == comm
    ]


def test_operations_are_recorded_by_program(tmp_path: Path) -> None:
    """A read through a link, a write, a refusal; without path walks."""
    found = traced(
        tmp_path,
        f"cat {LINK}/vendor; "
        f"printf x >{LINK}/driver_override; "
        "printf 99:00.0 | tee /sys/bus/pci/drivers_probe; "
        f"readlink {LINK}/driver",
    )

    assert of(found, "cat")[:2] == [
        ("open", f"{DEVICE}/vendor", None, None),
        ("read", f"{DEVICE}/vendor", "0x15b3\n", None),
    ]
    assert ("write", f"{DEVICE}/driver_override", "x", None) in of(found, "sh")
    assert of(found, "tee") == [
        ("open", "/sys/bus/pci/drivers_probe", None, None),
        ("write", "/sys/bus/pci/drivers_probe", "99:00.0", "ENODEV"),
    ]
    link = "../../../../bus/pci/drivers/mlx5_core"
    assert ("readlink", f"{DEVICE}/driver", link, None) in of(found, "readlink")


def test_thread_is_recorded_as_its_process(tmp_path: Path) -> None:
    """With id and name of the process."""
    program = (
        "import os, threading; print(os.getpid()); "
        f"work = lambda: open('{DEVICE}/vendor').read(); "
        "thread = threading.Thread(target=work); thread.start(); thread.join()"
    )
    trace = tmp_path / "trace.jsonl"
    with Sim("mlx5_vfio_pci", via="fuse", trace=trace) as host:
        words = ["sh", "-c", 'sleep 0; "$0" -c "$1"', sys.executable, program]
        number = int(host.run(words, check=True).stdout)
    found = [json.loads(line) for line in trace.read_text("utf-8").splitlines()]

    opened = [one for one in found if one["path"] == f"{DEVICE}/vendor"]
    assert {(one["pid"], one["comm"]) for one in opened} == {
        (number, Path(sys.executable).name)
    }


def test_modules_are_recorded(tmp_path: Path) -> None:
    """The loaded file, and the removed module."""
    found = traced(tmp_path, "modprobe vfio_pci; rmmod vfio_pci")

    loaded = [one["path"] for one in found if one["op"] == "init_module"]
    assert loaded[0].endswith("/kernel/drivers/vfio/vfio.ko")
    assert [one["data"] for one in found if one["op"] == "delete_module"] == [
        "vfio_pci"
    ]


def test_host_itself_is_not_recorded(tmp_path: Path) -> None:
    """The trace of a program that uses no kernel file is nearly empty."""
    assert of(traced(tmp_path, "exec sleep 0"), "sleep") == []
