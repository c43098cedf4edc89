"""Persistent bindings by the real udevd, systemd's own check, and the real driverctl.

Nobody is process 1 on the fuse tier. So the test hears what udevd tells systemd to
start, and starts it: the command of the unit's file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.commands import on_fuse
from tests.fuse import needs_fuse

FORCED = os.environ.get("SIMKERNEL_FORCE_CLIENTS") == "1"
NEEDED = ("driverctl", "systemd-analyze", "udevadm")
MISSING = [one for one in NEEDED if shutil.which(one) is None]

pytestmark = [
    pytest.mark.real,
    needs_fuse,
    pytest.mark.skipif(
        not FORCED and bool(MISSING),
        reason=f"SIMKERNEL_FORCE_CLIENTS=1 forces it; missing: {MISSING}",
    ),
]

BOOT = """
device=0000:3b:00.2 folder=/sys/bus/pci/devices/0000:3b:00.2
now() { basename "$(readlink $folder/driver)"; }
replug() {  # the card goes away and comes back, as at a boot
    rm -f /run/resolver/*.json
    udevadm monitor --udev --property --subsystem-match=pci >/run/heard &
    monitor=$!
    until grep -q UDEV /run/heard; do sleep 0.1; done
    echo 1 >/sys/bus/pci/devices/0000:3b:00.0/remove
    echo 1 >/sys/bus/pci/rescan
    echo 1 >/sys/bus/pci/devices/0000:3b:00.0/sriov_numvfs
    udevadm settle
    until grep -q "^ACTION=bind" /run/heard; do sleep 0.1; done
    kill $monitor
}
wanted() { sed -n 's/^SYSTEMD_WANTS=//p' /run/heard; }
started() {  # what systemd runs for an instance of a unit
    sed -n 's/^ExecStart=//p' "$1" | sed "s|%i|pci-$device|; s|%I|pci/$device|"
}
"""
OURS = """
resolver bind --persist --gid 64 $device >/dev/null
unit=/etc/systemd/system/resolver-boot@.service
systemd-analyze verify --man=no $unit 2>&1 && echo verified
udevadm control --reload
replug; now; wanted
$(started $unit) >/dev/null; echo "$? $(now) $(stat -c %g /dev/vfio/2)"
sed -i s/15b3:101e/15b3:ffff/ /etc/resolver/persistent/*.json
replug; $(started $unit) 2>&1 | head -n 1; now
resolver unpersist $device >/dev/null; udevadm control --reload
replug; wanted
"""
DRIVERCTL = """
resolver bind --persist $device >/dev/null
unit=$(dirname $(dirname "$(readlink -f $(which driverctl))"))/lib/systemd/system
unit=$(ls $unit/driverctl@.service /lib/systemd/system/driverctl@.service | head -n 1)
condition=/etc/systemd/system/driverctl@pci-$device.service.d/50-resolver.conf
check=$(sed -n 's/^ExecCondition=//p' $condition)
replug; now; wanted
$check && $(started $unit); echo "$? $(now)"
replug; sed -i s/101E/FFFF/ $condition
$(sed -n 's/^ExecCondition=//p' $condition); echo "$? $(now)"
"""


def lines(script: str, folder: Path) -> list[str]:
    """Return what a script prints on the host, on which udevd runs."""
    place = f'PATH="{os.path.dirname(sys.executable)}:$PATH"\n'
    words = on_fuse(
        "sh", "-c", place + BOOT + script, scenario="booting_host", options=["--udev"]
    )
    done = subprocess.run(
        words, check=False, capture_output=True, text=True, timeout=240, cwd=folder
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_unit_of_ours_binds_the_device(tmp_path: Path) -> None:
    """systemd finds nothing wrong with it; udev wants it; another kind is refused."""
    assert lines(OURS, tmp_path) == [
        "verified",
        "mlx5_core",
        "resolver-boot@pci-0000:3b:00.2.service",
        "0 mlx5_vfio_pci 64",
        "error: 0000:3b:00.2 (15b3:101e): the persistent device was 15b3:ffff",
        "mlx5_core",
    ]


def test_driverctl_binds_the_device(tmp_path: Path) -> None:
    """By its own rule, unit and file; our condition holds it back from another kind."""
    assert lines(DRIVERCTL, tmp_path) == [
        "mlx5_core",
        "driverctl@pci-0000:3b:00.2.service",
        "0 mlx5_vfio_pci",
        "1 mlx5_core",
    ]
