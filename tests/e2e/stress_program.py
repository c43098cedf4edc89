"""Changes devices from four processes and lists all of ``/sys`` from two others.

It prints how much was done, and fails at the first thing that cannot be true.
"""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PCI = Path("/sys/bus/pci")
VFS = [f"0000:01:00.{number}" for number in (1, 2, 3)]
PHYSICAL, FIRST_VF = "0000:02:00.0", "0000:02:00.1"
"""Functions of a second card, whose virtual functions come and go."""
OVERRIDES = {"(null)\n", *(f"{vf[-1] * 60}\n" for vf in VFS)}
GOES = {errno.ENOENT, errno.ENODEV, errno.ENOTDIR}
"""What a lister meets where something goes while it looks."""


def _write(path: Path, text: str) -> None:
    number = os.open(path, os.O_WRONLY)
    try:
        assert os.write(number, text.encode()) == len(text)
    finally:
        os.close(number)


def _rebind(vf: str) -> int:
    """Take a device from its driver and give it back, looking after each step."""
    device, driver = PCI / "devices" / vf, PCI / "drivers/mlx5_core"
    _write(driver / "unbind", vf)
    assert not os.path.lexists(device / "driver")
    assert vf not in os.listdir(driver)
    override = vf[-1] * 60
    _write(device / "driver_override", override)
    assert (device / "driver_override").read_text() == f"{override}\n"
    _write(device / "driver_override", "\n")
    assert (device / "driver_override").read_text() == "(null)\n"
    _write(PCI / "drivers_probe", vf)
    assert os.readlink(device / "driver").endswith("/drivers/mlx5_core")
    assert (driver / vf / "vendor").read_text() == "0x15b3\n"
    return 5


def _replug() -> int:
    """Take all virtual functions of a card away and have them back."""
    physical, virtual = PCI / "devices" / PHYSICAL, PCI / "devices" / FIRST_VF
    _write(physical / "sriov_numvfs", "0")
    assert not os.path.lexists(virtual)
    assert not os.path.lexists(physical / "virtfn0")
    assert FIRST_VF not in os.listdir(PCI / "devices")
    _write(physical / "sriov_numvfs", "4")
    assert (virtual / "vendor").read_text() == "0x15b3\n"
    assert os.readlink(virtual / "driver").endswith("/drivers/mlx5_core")
    assert os.path.samefile(physical / "virtfn0", virtual)
    return 2


MIN_CHANGES, MIN_FILES = 20, 1000
"""What each process does at least, however slow the machine is."""


def _change(change: Callable[..., int], what: Sequence[str], until: float) -> int:
    count = 0
    while time.monotonic() < until or count < MIN_CHANGES:
        count += change(*what)
    return count


def _list(until: float) -> int:
    count = 0
    while time.monotonic() < until or count < MIN_FILES:
        pending = ["/sys"]
        while pending:
            try:
                with os.scandir(pending.pop()) as entries:
                    found = list(entries)
            except OSError as error:
                _check_gone(error)
                continue
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    count += _look_at(entry)
    return count


def _check_gone(error: OSError) -> None:
    if error.errno not in GOES:
        raise error


def _look_at(entry: os.DirEntry[str]) -> int:
    """Read a file or a link; what it says must be whole."""
    try:
        if entry.is_symlink():
            assert os.readlink(entry.path)
            return 1
        if not entry.stat().st_mode & 0o444:
            return 0
        data = Path(entry.path).read_bytes()
    except OSError as error:
        _check_gone(error)
        return 0
    if entry.name == "driver_override":
        assert data.decode() in OVERRIDES, data
    if entry.name == "uevent":
        assert data.endswith(b"\n"), data
        assert b"PCI_CLASS=" in data or b"DRIVER=" not in data, data
    return 1


def main(seconds: float) -> None:
    """Run all six, and print their counts."""
    until = time.monotonic() + seconds
    with multiprocessing.Pool(6) as pool:
        work = [*((_rebind, (vf,), until) for vf in VFS), (_replug, (), until)]
        changes = [pool.apply_async(_change, one) for one in work]
        lists = [pool.apply_async(_list, (until,)) for _ in range(2)]
        counts = {
            "changes": sum(one.get() for one in changes),
            "files": sum(one.get() for one in lists),
        }
    print(json.dumps(counts))


if __name__ == "__main__":
    main(float(sys.argv[1]))
