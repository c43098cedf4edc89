"""pyfakefs files of the kernel."""

from __future__ import annotations

import os
from pathlib import Path

from simkernel.fronts.fakefs.host import simulated
from simkernel.host.host import Host
from tests.bench import host_of

VF = "/sys/bus/pci/devices/0000:3b:00.2"


def _host() -> Host:
    return host_of("mlx5_vfio_pci")


def test_inode_numbers_identify_files() -> None:
    """Programs compare inode numbers to find loops and copies."""
    other = VF.replace("00.2", "00.3")
    with simulated(_host()):
        vendor = os.stat(f"{VF}/vendor")

        assert os.path.samestat(vendor, os.stat(os.path.realpath(f"{VF}/vendor")))
        assert os.path.samestat(vendor, Path(f"{VF}/vendor").stat())
        assert not os.path.samestat(vendor, os.stat(f"{other}/vendor"))
        assert not os.path.samestat(os.stat(VF), os.lstat(VF))
