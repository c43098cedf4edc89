"""A static busybox on the fuse tier, as an initial RAM disk has it."""

from __future__ import annotations

import subprocess

import pytest

from simkernel.testing import Sim
from tests.fuse import needs_fuse
from tests.programs import needs

pytestmark = [
    pytest.mark.real,
    needs_fuse,
    needs("busybox"),
    pytest.mark.scenario("mlx5_vfio_pci", vfs=2, via="fuse"),
]

VF = "0000:3b:00.2"
DEVICE = f"/sys/bus/pci/devices/{VF}"
BIND = f"""
set -e
modprobe mlx5_vfio_pci
echo mlx5_vfio_pci >{DEVICE}/driver_override
echo {VF} >{DEVICE}/driver/unbind
echo {VF} >/sys/bus/pci/drivers_probe
readlink {DEVICE}/driver; uname -r
"""


def _busybox(sim: Sim, *words: str) -> subprocess.CompletedProcess[str]:
    return sim.run(["busybox", *words])


def test_its_shell_binds_a_device(sim: Sim) -> None:
    """Every applet is in the one static program, which calls no library."""
    done = _busybox(sim, "sh", "-c", BIND)

    assert done.stderr == ""
    assert done.stdout == (
        "../../../../bus/pci/drivers/mlx5_vfio_pci\n6.12.117-amd64\n"
    )
    assert sim.driver_of(VF) == "mlx5_vfio_pci"


def test_its_kmod_sees_the_simulated_modules(sim: Sim) -> None:
    """lsmod and rmmod; its words are its own."""
    _busybox(sim, "modprobe", "mlx5_vfio_pci")
    lines = _busybox(sim, "lsmod").stdout.splitlines()

    assert {line.split()[0] for line in lines[1:]} == set(sim.kernel.modules)
    assert _busybox(sim, "rmmod", "vfio").stderr == (
        "rmmod: can't unload module 'vfio': Resource temporarily unavailable\n"
    )


def test_it_loads_every_module_that_fits_and_no_softdep(sim: Sim) -> None:
    """The generic driver, too; and not vfio_iommu_type1, which kmod loads with vfio."""
    modalias = sim.read(f"{DEVICE}/modalias").strip()
    assert _busybox(sim, "modprobe", f"vfio_{modalias}").returncode == 0

    assert {"mlx5_vfio_pci", "vfio_pci"} <= set(sim.kernel.modules)
    assert "vfio_iommu_type1" not in sim.kernel.modules
    assert sim.run(["resolver", "bind", VF]).returncode == 0
    assert sim.driver_of(VF) == "mlx5_vfio_pci"
