"""driverctl on the fuse tier: what works, what goes wrong, and what resolver does."""

from __future__ import annotations

import subprocess

import pytest

from simkernel.testing import Sim
from tests.fuse import needs_fuse
from tests.programs import needs

pytestmark = [pytest.mark.real, needs_fuse, needs("driverctl")]

VF = "0000:3b:00.2"
GPU_VF = "0000:19:00.2"


def _driverctl(sim: Sim, *words: str) -> subprocess.CompletedProcess[str]:
    return sim.run(["driverctl", *words])


def _override(sim: Sim, device: str) -> str:
    return sim.read(f"/sys/bus/pci/devices/{device}/driver_override").strip()


@pytest.mark.scenario("mlx5_vfio_pci", vfs=2, via="fuse")
def test_override_is_set_listed_and_unset(sim: Sim) -> None:
    """With the name of the driver it does what it shall, and remembers it."""
    assert _driverctl(sim, "set-override", VF, "mlx5_vfio_pci").returncode == 0
    assert sim.driver_of(VF) == "mlx5_vfio_pci"
    assert _driverctl(sim, "list-overrides").stdout == f"{VF} mlx5_vfio_pci\n"
    assert _driverctl(sim, "list-devices", "network").stdout.splitlines() == [
        "0000:3b:00.0 mlx5_core",
        f"{VF} mlx5_vfio_pci [*]",
        "0000:3b:00.3 mlx5_core",
    ]
    assert sim.run(["cat", f"/etc/driverctl.d/pci-{VF}"]).stdout == "mlx5_vfio_pci\n"

    assert _driverctl(sim, "unset-override", VF).returncode == 0
    assert sim.driver_of(VF) == "mlx5_core"
    assert _override(sim, VF) == "(null)"


@pytest.mark.scenario("mlx5_vfio_pci", vfs=2, via="fuse")
def test_generic_driver_is_taken_where_there_is_a_variant(sim: Sim) -> None:
    """It does not know of variants; resolver says so, and binds the better one."""
    assert _driverctl(sim, "set-override", VF, "vfio-pci").returncode == 0
    assert sim.driver_of(VF) == "vfio-pci"

    devices = sim.run(["resolver", "devices"], check=True).stdout
    assert "vfio, not the best driver" in devices
    assert sim.run(["resolver", "bind", VF]).returncode == 0
    assert sim.driver_of(VF) == "mlx5_vfio_pci"


@pytest.mark.scenario("xe_vfio_pci", via="fuse")
def test_name_of_the_module_leaves_the_device_without_a_driver(sim: Sim) -> None:
    """The driver of module xe_vfio_pci is xe-vfio-pci; resolver finds that out."""
    done = _driverctl(sim, "set-override", GPU_VF, "xe_vfio_pci")

    assert (done.returncode, done.stderr) == (
        1,
        f"driverctl: failed to bind device {GPU_VF} to driver xe_vfio_pci\n",
    )
    assert (sim.driver_of(GPU_VF), _override(sim, GPU_VF)) == (None, "xe_vfio_pci")

    assert _driverctl(sim, "unset-override", GPU_VF).returncode == 0
    bound = sim.run(["resolver", "bind", "--driver", "xe_vfio_pci", GPU_VF])
    assert bound.returncode == 0
    assert sim.driver_of(GPU_VF) == "xe-vfio-pci"


@pytest.mark.scenario("probe_fails", via="fuse")
def test_failed_bind_is_not_undone(sim: Sim) -> None:
    """The device has no driver then; with resolver it has the one it had."""
    assert _driverctl(sim, "set-override", VF, "mlx5_vfio_pci").returncode == 1
    assert (sim.driver_of(VF), _override(sim, VF)) == (None, "mlx5_vfio_pci")

    assert _driverctl(sim, "unset-override", VF).returncode == 0
    assert sim.run(["resolver", "bind", VF]).returncode == 1
    assert (sim.driver_of(VF), _override(sim, VF)) == ("mlx5_core", "(null)")


@pytest.mark.scenario("blacklisted_variant", via="fuse")
def test_blacklist_is_passed_over(sim: Sim) -> None:
    """It calls modprobe with the module's name, to which a blacklist does not apply."""
    refused = sim.run(["resolver", "bind", VF])
    assert refused.returncode == 3
    assert "blacklist mlx5_vfio_pci" in refused.stderr
    assert sim.driver_of(VF) == "mlx5_core"

    assert _driverctl(sim, "set-override", VF, "mlx5_vfio_pci").returncode == 0
    assert sim.driver_of(VF) == "mlx5_vfio_pci"


@pytest.mark.scenario("in_use", via="fuse")
@pytest.mark.parametrize("device", ["0000:02:00.0", "0000:03:00.0"])
def test_device_in_use_is_taken_away(sim: Sim, device: str) -> None:
    """An interface with routes, half an IOMMU group; resolver refuses both."""
    before = sim.driver_of(device)
    assert sim.run(["resolver", "bind", device]).returncode == 3
    assert sim.driver_of(device) == before

    assert _driverctl(sim, "set-override", device, "vfio-pci").returncode == 0
    assert sim.driver_of(device) == "vfio-pci"


@pytest.mark.scenario("mlx5_vfio_pci", vfs=2, via="fuse")
def test_unknown_module_changes_nothing(sim: Sim) -> None:
    """What it cannot load is found out before the device is touched."""
    done = _driverctl(sim, "set-override", VF, "nosuch")

    assert (done.returncode, done.stderr) == (1, "driverctl: no such module: nosuch\n")
    sim.assert_unchanged()
