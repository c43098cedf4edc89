"""libvirtd and virsh on the fuse tier: libvirt 9 knows the generic driver only."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from simkernel.testing import Sim
from tests.fuse import needs_fuse
from tests.programs import needs

pytestmark = [
    pytest.mark.real,
    needs_fuse,
    needs("libvirtd", "virsh"),
    pytest.mark.scenario("mlx5_vfio_pci", vfs=2, via="fuse"),
]

Virsh = Callable[..., "subprocess.CompletedProcess[str]"]

SCRIPT = Path(__file__).parents[2] / "examples/libvirt/with_libvirtd.sh"
VF = "0000:3b:00.2"
NODE = "pci_0000_3b_00_2"


@pytest.fixture
def virsh(sim: Sim) -> Virsh:
    """Runs a command of virsh's on the host, where libvirtd has been started."""
    sim.run([str(SCRIPT), "true"], check=True)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return sim.run(["virsh", "--connect", "qemu:///system", *words], timeout=60)

    return run


def _override(sim: Sim) -> str:
    return sim.read(f"/sys/bus/pci/devices/{VF}/driver_override").strip()


def test_devices_are_the_simulated_ones(virsh: Virsh) -> None:
    """With driver, physical function and IOMMU group."""
    assert virsh("nodedev-list", "--cap", "pci").stdout.split() == [
        "pci_0000_3a_00_0",
        "pci_0000_3b_00_0",
        "pci_0000_3b_00_2",
        "pci_0000_3b_00_3",
    ]
    text = virsh("nodedev-dumpxml", NODE).stdout
    assert "<name>mlx5_core</name>" in text
    assert "<capability type='phys_function'>" in text
    assert "<iommuGroup number='2'>" in text


def test_function_is_detached_and_reattached(sim: Sim, virsh: Virsh) -> None:
    """To the generic driver, though there is a better one, and back."""
    assert virsh("nodedev-detach", NODE).stdout == f"Device {NODE} detached\n\n"
    assert (sim.driver_of(VF), _override(sim)) == ("vfio-pci", "vfio-pci")
    assert "vfio, not the best driver" in sim.run(["resolver", "devices"]).stdout

    assert virsh("nodedev-reattach", NODE).stdout == f"Device {NODE} re-attached\n\n"
    assert (sim.driver_of(VF), _override(sim)) == ("mlx5_core", "(null)")


@pytest.mark.parametrize("driver", ["mlx5_vfio_pci", "vfio-pci"])
def test_no_driver_can_be_named(sim: Sim, virsh: Virsh, driver: str) -> None:
    """Its one word is ``vfio``; for a variant there is none."""
    done = virsh("nodedev-detach", NODE, "--driver", driver)

    assert done.returncode == 1
    assert f"unknown driver name '{driver}'" in done.stderr
    assert sim.driver_of(VF) == "mlx5_core"
    sim.run(["resolver", "bind", "--driver", driver, VF], check=True)
    assert sim.driver_of(VF) == driver


def test_variant_is_replaced_by_the_generic_driver(sim: Sim, virsh: Virsh) -> None:
    """What resolver has bound is lost when libvirt detaches it once more."""
    sim.run(["resolver", "bind", VF], check=True)
    assert sim.driver_of(VF) == "mlx5_vfio_pci"

    assert virsh("nodedev-detach", NODE).returncode == 0

    assert sim.driver_of(VF) == "vfio-pci"
    status = sim.run(["resolver", "status"]).stdout.splitlines()[1]
    assert status.split()[:5] == [
        *(VF, "15b3:101e", "mlx5_core", "mlx5_vfio_pci", "vfio-pci"),
    ]
    sim.run(["resolver", "bind", VF], check=True)
    assert sim.driver_of(VF) == "mlx5_vfio_pci"


def test_unbound_variant_goes_back_to_its_host_driver(sim: Sim, virsh: Virsh) -> None:
    """Reattaching works, whoever bound the device to what; resolver notices."""
    sim.run(["resolver", "bind", VF], check=True)
    assert virsh("nodedev-reattach", NODE).returncode == 0
    assert (sim.driver_of(VF), _override(sim)) == ("mlx5_core", "(null)")
    assert "as found" in sim.run(["resolver", "status"]).stdout


def test_function_is_reset(virsh: Virsh) -> None:
    """It asks the configuration space whether that can be done."""
    assert virsh("nodedev-reset", NODE).stdout == f"Device {NODE} reset\n\n"


def test_unplugged_function_is_gone(sim: Sim, virsh: Virsh) -> None:
    """What was pulled out cannot be detached any more."""
    sim.kernel.unplug("0000:3b:00.0")

    assert virsh("nodedev-detach", NODE).returncode == 1
