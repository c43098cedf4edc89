"""Tests of give_vf.py on simulated hosts.

Run them with ``pytest``. With ``--sim-via fakefs`` the tool runs in this process, with
``--sim-via fuse`` in its own.
"""

from pathlib import Path

import pytest

TOOL = str(Path(__file__).with_name("give_vf.py"))
VF = "0000:3b:00.2"
DEVICE = f"/sys/bus/pci/devices/{VF}"
OWN = "hosts/disk.yaml.j2"  # relative to this file

LOADED = [
    "/dev/vfio/",
    "/proc/*",
    "/sys/bus/pci/drivers/vfio-pci/",
    "/sys/class/misc/*",
    "/sys/class/vfio*",
    "/sys/devices/virtual/*",
    "/sys/module/*",
]
"""Other files that change when vfio_pci is loaded."""

pytestmark = pytest.mark.scenario("mlx5_vfio_pci", vfs=2)


def give(sim, address=VF):
    """Run the tool as its users do."""
    return sim.run(["python3", TOOL, address])


def test_function_is_given_to_vfio(sim):
    """The function is on vfio-pci, and nothing else on the host changes."""
    done = give(sim)

    assert (done.returncode, done.stdout) == (0, "/dev/vfio/2\n")
    sim.assert_changed(
        {
            f"{DEVICE}/driver": "vfio-pci",
            f"{DEVICE}/driver_override": "vfio-pci",
            f"{DEVICE}/uevent": ...,
            f"{DEVICE}/vfio-dev/": ...,
            f"{DEVICE}/net/": None,
            "/sys/class/net/ens1v0": None,
            f"/sys/bus/pci/drivers/mlx5_core/{VF}": None,
        },
        ignore=[*LOADED, f"{DEVICE}/power/"],  # VFIO suspends idle functions
    )


@pytest.mark.parametrize("step", [1, 2, 3], ids=["override", "unbind", "probe"])
def test_failure_at_any_write_is_undone(sim, step):
    """The function is back on its previous driver."""
    sim.kernel.inject("EIO", at_write=step)

    done = give(sim)

    assert done.returncode == 1
    assert "Input/output error" in done.stderr
    sim.assert_unchanged(ignore=LOADED)


def test_function_that_vanishes_is_an_error_without_traceback(sim):
    """The card is unplugged while the tool works on it."""
    sim.kernel.inject(at_write=2, remove=VF)

    done = give(sim)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert VF not in sim.kernel.devices


def test_new_function_is_given(sim):
    """The tool also binds a function that appeared after boot."""
    sim.kernel.write("/sys/bus/pci/devices/0000:3b:00.0/sriov_numvfs", "0")
    sim.kernel.write("/sys/bus/pci/devices/0000:3b:00.0/sriov_numvfs", "3")
    added = sim.kernel.wait_for_event("add", "0000:3b:00.4")

    assert give(sim, "0000:3b:00.4").returncode == 0
    assert sim.driver_of("0000:3b:00.4") == "vfio-pci"
    sim.kernel.wait_for_event("bind", "0000:3b:00.4", after=added)


@pytest.mark.scenario(OWN)
def test_physical_function_is_refused(sim):
    """The host is your own scenario, a file beside this one."""
    done = give(sim, "0000:01:00.0")

    assert "is not a virtual function" in done.stderr
    sim.assert_unchanged()


@pytest.mark.scenario(via="fakefs")
def test_parts_of_the_tool_can_be_called(sim_fs):
    """The test is on the host itself, and needs no process and no parsing."""
    import give_vf

    assert give_vf.driver_of(Path(DEVICE)) == "mlx5_core"
    assert give_vf.give(VF) == "2"
    assert sim_fs.driver_of(VF) == "vfio-pci"
