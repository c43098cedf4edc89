"""Functions of os that bypass pyfakefs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from simkernel.fronts.fakefs.host import simulated
from tests.bench import host_of


def test_owner_of_vfio_node_lasts_as_long_as_the_node() -> None:
    """R-DEV-2: a new node belongs to root again."""
    host = host_of("mlx5_vfio_pci")
    device = "/sys/bus/pci/devices/0000:3b:00.2"
    with simulated(host):
        subprocess.run(["modprobe", "vfio_pci"], check=True)
        Path(f"{device}/driver_override").write_text("vfio-pci")
        Path(f"{device}/driver/unbind").write_text("0000:3b:00.2")
        Path("/sys/bus/pci/drivers/vfio-pci/bind").write_text("0000:3b:00.2")
        os.chown("/dev/vfio/2", 64055, -1)
        os.chmod("/dev/vfio/2", 0o660)
        given = os.stat("/dev/vfio/2")
        Path(f"{device}/driver/unbind").write_text("0000:3b:00.2")
        Path("/sys/bus/pci/drivers/vfio-pci/bind").write_text("0000:3b:00.2")
        anew = os.stat("/dev/vfio/2")

    assert (given.st_uid, given.st_gid, given.st_mode & 0o777) == (64055, 0, 0o660)
    assert (anew.st_uid, anew.st_gid, anew.st_mode & 0o777) == (0, 0, 0o600)
