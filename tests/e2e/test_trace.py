"""The record of what programs do, on the fuse tier."""

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
    """Run a shell script on a host and return what was recorded, in order."""
    trace = tmp_path / "trace.jsonl"
    with Sim("mlx5_vfio_pci", via="fuse", trace=trace) as host:
        host.run(["sh", "-c", script])
    lines = trace.read_text(encoding="utf-8").splitlines()
    return sorted((json.loads(line) for line in lines), key=lambda one: one["time"])


def of(found: list[dict[str, Any]], comm: str) -> list[tuple[object, ...]]:
    """Return op, path, data and errno of what one program did."""
    return [
        (one["op"], one["path"], one["data"], one["errno"])
        for one in found
        if one["comm"] == comm
    ]


def test_each_program_has_what_it_did(tmp_path: Path) -> None:
    """Reading through a link, writing, being refused; nothing of the way there."""
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
    """Number and name are the program's, whichever of its threads it was."""
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
    """Which file was loaded, and what was removed."""
    found = traced(tmp_path, "modprobe vfio_pci; rmmod vfio_pci")

    loaded = [one["path"] for one in found if one["op"] == "init_module"]
    assert loaded[0].endswith("/kernel/drivers/vfio/vfio.ko")
    assert [one["data"] for one in found if one["op"] == "delete_module"] == [
        "vfio_pci"
    ]


def test_nothing_of_the_host_itself_is_recorded(tmp_path: Path) -> None:
    """A program that does not touch the kernel leaves next to nothing."""
    assert of(traced(tmp_path, "exec sleep 0"), "sleep") == []
