"""Functions of os that bypass pyfakefs."""

from __future__ import annotations

import os
import stat
import subprocess
from errno import EBUSY
from pathlib import Path

import pytest

from simkernel.fronts.fakefs.host import simulated
from simkernel.host.boot import boot_host
from simkernel.scenario.render import parse
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


def test_claimed_disk_cannot_be_opened_exclusively() -> None:
    """R-DEV-3: only with ``O_EXCL``, and only the disk that is claimed."""
    text = """
    kernel: {release: 6.12.0}
    nodes:
      - {path: /dev/sda, number: "8:0", type: block, claimed: true}
      - {path: /dev/sdb, number: "8:16", type: block}
    """
    with simulated(boot_host(parse(text))):
        with pytest.raises(OSError, match="busy") as caught:
            os.open("/dev/sda", os.O_RDONLY | os.O_EXCL | os.O_NONBLOCK)
        opened = {
            name: os.open(f"/dev/{name}", os.O_RDONLY | flags)
            for name, flags in (("sda", 0), ("sdb", os.O_EXCL | os.O_CLOEXEC))
        }
        numbers = {name: os.fstat(fd).st_rdev for name, fd in opened.items()}
        kinds = {stat.S_IFMT(os.fstat(fd).st_mode) for fd in opened.values()}
        for fd in opened.values():
            os.close(fd)

    assert caught.value.errno == EBUSY
    assert numbers == {"sda": os.makedev(8, 0), "sdb": os.makedev(8, 16)}
    assert kinds == {stat.S_IFBLK}


def test_standard_streams_have_the_status_of_the_real_ones() -> None:
    """A program may look whether its descriptors 0 to 2 are open."""
    real = [os.fstat(number) for number in range(3)]
    with simulated(host_of("vfio_pci")):
        found = [os.fstat(number) for number in range(3)]

    assert [(one.st_dev, one.st_ino) for one in found] == [
        (one.st_dev, one.st_ino) for one in real
    ]
