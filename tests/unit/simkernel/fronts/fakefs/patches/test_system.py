"""Functions of os that are replaced or refused."""

from __future__ import annotations

import os

import pytest

from simkernel.fronts.fakefs.host import simulated
from simkernel.host.host import Host
from tests.bench import host_of

VF = "/sys/bus/pci/devices/0000:3b:00.2"


def _host() -> Host:
    return host_of("mlx5_vfio_pci")


def test_each_os_write_stores_once_at_any_offset() -> None:
    """Two writes through one descriptor, one of them at an offset."""
    with simulated(_host()):
        descriptor = os.open("/sys/bus/pci/drivers/mlx5_core/unbind", os.O_WRONLY)
        assert os.write(descriptor, b"0000:3b:00.2") == 12
        assert os.pwrite(descriptor, b"0000:3b:00.3", 4096) == 12
        os.close(descriptor)

        assert not os.path.exists(f"{VF}/driver")


def test_functions_that_leave_the_host_are_refused() -> None:
    """os.system fails on the host, and is real again afterwards."""
    real = os.system
    with simulated(_host()):
        with pytest.raises(PermissionError, match="leave the simulated host"):
            os.system("true")
        assert not os.path.exists("/etc/passwd")

    assert real is os.system
    assert os.path.exists("/etc/passwd")
