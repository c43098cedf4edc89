"""The scripts with which the kernel's own selftests set devices up for VFIO.

They are those of the newest kernel that Debian has, unmodified.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from simkernel.testing import Sim
from tests.e2e.linux_source import FetchError, selftest_scripts
from tests.fuse import needs_fuse

FORCE = "SIMKERNEL_FORCE_LINUX_SOURCE"

pytestmark = [
    pytest.mark.real,
    needs_fuse,
    pytest.mark.scenario("mlx5_vfio_pci", vfs=2, via="fuse"),
]

PF, VF = "0000:3b:00.0", "0000:3b:00.3"


@pytest.fixture(scope="module")
def scripts() -> Path:
    """The folder of the scripts."""
    try:
        return selftest_scripts()
    except FetchError as error:
        if os.environ.get(FORCE) == "1":
            raise
        pytest.skip(f"{error}; {FORCE}=1 forces it")


def _run(
    sim: Sim, folder: Path, script: Path, *words: str
) -> subprocess.CompletedProcess[str]:
    """Run a script as a shell runs what has no ``#!``: it is bash's."""
    done = sim.run(
        ["bash", "-c", '"$0" "$@"', str(script), *words],
        env=os.environ | {"TMPDIR": str(folder)},
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done


@pytest.mark.parametrize("device", [PF, VF])
def test_device_is_set_up_and_cleaned_up(
    sim: Sim, scripts: Path, tmp_path: Path, device: str
) -> None:
    """A card whose virtual functions go and come back, and a virtual function."""
    sim.run(["modprobe", "vfio-pci"], check=True)
    before = sim.tree()

    _run(sim, tmp_path, scripts / "setup.sh", device)
    assert sim.driver_of(device) == "vfio-pci"
    assert (device == PF) == ("virtfn0" not in sim.read(f"/sys/bus/pci/devices/{PF}"))

    ran = _run(sim, tmp_path, scripts / "run.sh", "echo")
    assert ran.stdout == f"{device}\n"

    _run(sim, tmp_path, scripts / "cleanup.sh")
    assert sim.driver_of(device) == "mlx5_core"
    sim.assert_unchanged(since=before)
    assert list(tmp_path.iterdir()) == []


def test_device_that_is_set_up_is_left_alone(
    sim: Sim, scripts: Path, tmp_path: Path
) -> None:
    """The second time, the script says so."""
    sim.run(["modprobe", "vfio-pci"], check=True)
    _run(sim, tmp_path, scripts / "setup.sh", VF)
    writes = sim.kernel.writes

    done = _run(sim, tmp_path, scripts / "setup.sh", VF)

    assert done.stdout == f"{VF} has already been set up, exiting.\n"
    assert sim.kernel.writes == writes


def test_generic_driver_is_taken_where_there_is_a_variant(
    sim: Sim, scripts: Path, tmp_path: Path
) -> None:
    """They know of one driver; what they set up, resolver binds to a better one."""
    sim.run(["modprobe", "vfio-pci"], check=True)
    _run(sim, tmp_path, scripts / "setup.sh", VF)

    assert sim.run(["resolver", "bind", VF]).returncode == 0
    assert sim.driver_of(VF) == "mlx5_vfio_pci"
