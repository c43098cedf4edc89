"""A static C program on the fuse tier: nothing stands between it and the kernel."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from simkernel.testing import Sim
from tests.fuse import needs_fuse
from tests.programs import needs

pytestmark = [
    pytest.mark.real,
    needs_fuse,
    needs("gcc"),
    pytest.mark.scenario("mlx5_vfio_pci", vfs=2, via="fuse"),
]

VF = "0000:3b:00.2"
SOURCE = Path(__file__).with_name("static_client.c")
MODULES = "/lib/modules/6.12.117-amd64/kernel/drivers/vfio"
SYSFS_MAGIC = "62656572"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program, linked statically."""
    place = tmp_path_factory.mktemp("client") / "client"
    words = ["gcc", "-static", "-Wall", "-Werror", "-o", str(place), str(SOURCE)]
    subprocess.run(words, check=True)
    return str(place)


def test_system_calls_bind_a_device(sim: Sim, program: str) -> None:
    """Files, ``finit_module``, ``uname`` and ``statfs`` are the simulated kernel's."""
    sim.run(["modprobe", "mlx5_vfio_pci"], check=True)
    sim.run(["rmmod", "mlx5_vfio_pci"], check=True)
    module = f"{MODULES}/pci/mlx5/mlx5-vfio-pci.ko"
    done = sim.run([program, VF, module, "mlx5_vfio_pci"])

    assert (done.stdout, done.stderr) == (
        f"6.12.117-amd64 {SYSFS_MAGIC} mlx5_vfio_pci\n",
        "",
    )
    assert sim.driver_of(VF) == "mlx5_vfio_pci"


def test_errno_of_the_kernel_arrives(sim: Sim, program: str) -> None:
    """A module that lacks what it depends on is refused, and nothing is changed."""
    module = f"{MODULES}/pci/mlx5/mlx5-vfio-pci.ko"
    done = sim.run([program, VF, module, "mlx5_vfio_pci"])

    assert done.returncode == 1
    assert done.stderr.endswith(
        f"finit_module {module}: No such file or directory\n"
    ), done.stderr
    sim.assert_unchanged()
