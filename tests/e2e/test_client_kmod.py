"""The real kmod on the fuse tier: its own messages, and what it does to a host."""

from __future__ import annotations

import subprocess

import pytest

from simkernel.testing import Sim
from tests.fuse import needs_fuse
from tests.programs import needs

pytestmark = [
    pytest.mark.real,
    needs_fuse,
    needs("modprobe"),
    pytest.mark.scenario("mlx5_vfio_pci", vfs=2, via="fuse"),
]

VF = "0000:3b:00.2"


def _run(sim: Sim, *words: str) -> subprocess.CompletedProcess[str]:
    return sim.run(words)


def _modalias(sim: Sim, device: str = VF) -> str:
    return sim.read(f"/sys/bus/pci/devices/{device}/modalias").strip()


def test_modules_are_inserted_listed_and_removed(sim: Sim) -> None:
    """modprobe, lsmod, modinfo, rmmod and insmod work on the simulated kernel."""
    loading = _run(sim, "modprobe", "-v", "mlx5_vfio_pci").stdout.splitlines()
    folder = "/lib/modules/6.12.117-amd64/kernel/drivers/vfio"
    assert loading[-1] == f"insmod {folder}/pci/mlx5/mlx5-vfio-pci.ko "
    listed = {line.split()[0] for line in _run(sim, "lsmod").stdout.splitlines()[1:]}
    assert listed == set(sim.kernel.modules)
    assert _run(sim, "modinfo", "-F", "alias", "mlx5_vfio_pci").stdout == (
        "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*\n"
    )
    refused = _run(sim, "rmmod", "vfio_pci_core")
    assert refused.stderr == (
        "rmmod: ERROR: Module vfio_pci_core is in use by: mlx5_vfio_pci\n"
    )
    again = _run(sim, "insmod", f"{folder}/vfio.ko")
    assert again.stderr == (
        f"insmod: ERROR: could not insert module {folder}/vfio.ko: File exists\n"
    )
    assert _run(sim, "rmmod", "mlx5_vfio_pci").returncode == 0
    assert "mlx5_vfio_pci" not in sim.kernel.modules


def test_indexes_are_what_the_real_depmod_writes(sim: Sim) -> None:
    """It reads the modules, and its aliases are the ones that were there."""
    words = ["cat", "/lib/modules/6.12.117-amd64/modules.alias"]
    before = _run(sim, *words).stdout
    assert _run(sim, "depmod", "-a").returncode == 0
    after = _run(sim, *words).stdout

    assert before.count("\n") > 5
    assert before == after


def test_modalias_of_a_device_leads_to_no_variant(sim: Sim) -> None:
    """That is why nothing is loaded by itself, as udev asks with this."""
    assert _run(sim, "modprobe", "-R", _modalias(sim)).stdout == "mlx5_core\n"


@pytest.mark.scenario("virtio_vfio_pci", via="fuse")
def test_modalias_of_vfio_loads_every_module_that_fits(sim: Sim) -> None:
    """There is no best one for it, and the generic one comes first."""
    device = "0000:5e:00.1"
    words = ["modprobe", "-R", f"vfio_{_modalias(sim, device)}"]
    assert _run(sim, *words).stdout == "vfio_pci\nvirtio_vfio_pci\n"

    assert sim.run(["resolver", "bind", device]).returncode == 0
    assert sim.driver_of(device) == "virtio_vfio_pci"
    assert "vfio_pci" not in sim.kernel.modules


def test_removal_takes_what_the_variant_needed(sim: Sim) -> None:
    """Bound devices are no users: the host's own driver goes, and its interfaces."""
    sim.run(["resolver", "bind", VF], check=True)
    sim.run(["resolver", "restore", VF], check=True)
    assert sim.driver_of(VF) == "mlx5_core"

    assert _run(sim, "modprobe", "-r", "mlx5_vfio_pci").returncode == 0

    assert "mlx5_core" not in sim.kernel.modules
    assert sim.driver_of("0000:3b:00.0") is None


@pytest.mark.scenario("locked_down", via="fuse")
def test_refusal_of_the_kernel_is_told_as_kmod_tells_it(sim: Sim) -> None:
    """The errno is the simulated kernel's, the words are kmod's."""
    done = _run(sim, "modprobe", "mlx5_vfio_pci")

    assert done.returncode == 1
    assert "modprobe: ERROR: could not insert 'mlx5_vfio_pci': " in done.stderr
