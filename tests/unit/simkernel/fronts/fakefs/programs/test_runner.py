"""Programs that subprocess starts."""

from __future__ import annotations

import os
import subprocess

import pytest

from simkernel.fronts.fakefs.host import simulated
from simkernel.host.host import Host
from tests.bench import host_of


def _host() -> Host:
    return host_of("mlx5_vfio_pci")


def test_kmod_commands_run_on_the_host() -> None:
    """modprobe loads into the simulated kernel and prints what kmod prints."""
    with simulated(_host()):
        done = subprocess.run(["modprobe", "nosuch"], capture_output=True, text=True)
        subprocess.run(["/sbin/modprobe", "mlx5_vfio_pci"], check=True)

        assert done.returncode == 1
        assert "Module nosuch not found" in done.stderr
        assert os.path.isdir("/sys/bus/pci/drivers/mlx5_vfio_pci")


@pytest.mark.parametrize(
    "command", [["ls", "/sys"], "modprobe x; reboot", ["sh", "-c", "true"]]
)
def test_other_programs_are_refused(command: str | list[str]) -> None:
    """No program runs that would see the machine."""
    with simulated(_host()), pytest.raises(PermissionError, match="fakefs tier"):
        subprocess.run(command, shell=isinstance(command, str), check=False)
