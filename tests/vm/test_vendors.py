"""Vendors' scenarios on real kernels, with the real resolver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from simkernel.fronts.vm.machine.guest import Guest
from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel
from simkernel.fronts.vm.machine.topology import plan_machine
from simkernel.fronts.vm.modules.directory import module_directory
from simkernel.fronts.vm.scenario.select_kernel import load_for
from simkernel.fronts.vm.scenario.setup import ScenarioSetup
from simkernel.scenario.schema import Scenario
from tests.vm.inside import output_of

pytestmark = pytest.mark.real

VENDORS = [
    "mlx5_vfio_pci",
    "virtio_vfio_pci",
    "vfio_pci",
    "pds_vfio_pci",
    "qat_vfio_pci",
    "hisi_acc_vfio_pci",
]


class Hosts:
    """A booted guest that runs one scenario after another."""

    def __init__(
        self, guest: Guest, kernel: InstalledKernel, scenarios: list[Scenario]
    ) -> None:
        self.guest = guest
        self._trees = [
            module_directory(one, kernel, lambda text: None) for one in scenarios
        ]
        self._scenarios = scenarios
        self._layout = ScenarioSetup(
            guest,
            release=kernel.release,
            simpci=self._trees[0].simpci,
            stock=kernel.modules,
        )

    @contextmanager
    def host(self, index: int) -> Iterator[Scenario]:
        """Set a scenario up; afterwards the guest is as after boot."""
        self._layout.apply(self._scenarios[index], self._trees[index])
        yield self._scenarios[index]
        self._layout.clear()


@pytest.fixture(scope="module")
def hosts(each_kernel: InstalledKernel) -> Iterator[Hosts]:
    """Return a guest for the scenarios of all vendors."""
    scenarios = [load_for(one, {}, each_kernel.release) for one in VENDORS]
    machine = plan_machine(scenarios)
    with Guest(machine, image=each_kernel.image, release=each_kernel.release) as guest:
        yield Hosts(guest, each_kernel, scenarios)


def on_fakefs(name: str, release: str, device: str) -> Any:
    """Return what ``resolver bind --json`` prints on the simulated kernel."""
    words = ["run", "--set", f"release={release}", name, "--", "resolver", "bind"]
    done = subprocess.run(
        [sys.executable, "-m", "simkernel", *words, "--json", device],
        check=True,
        capture_output=True,
    )
    return json.loads(done.stdout)


def without_differences(document: Any, name: str) -> Any:
    """Return a document of ``bind`` without what docs/vm.md says differs."""
    for device in document["devices"]:
        del device["iommu_group"]
        if name == "virtio_vfio_pci":  # its functions start without a driver there
            del device["previous_driver"], device["steps"], device["undo"]
    return document


@pytest.mark.parametrize("name", VENDORS)
def test_resolver_binds_on_the_real_kernel(
    name: str, hosts: Hosts, each_kernel: InstalledKernel
) -> None:
    """The device is bound to the variant driver, in resolver's view, too."""
    with hosts.host(VENDORS.index(name)) as scenario:
        assert scenario.expected is not None
        device = scenario.expected.device
        folder = f"/sys/bus/pci/devices/{device}"
        code, text = output_of(hosts.guest, ["resolver", "bind", "--json", device])
        state = hosts.guest.call(
            "observe",
            roots=[f"{folder}/driver", f"{folder}/vfio-dev", "/dev/vfio"],
            skip=[],
        )["state"]
        group = os.path.basename(
            hosts.guest.call("observe", roots=[f"{folder}/iommu_group"], skip=[])[
                "state"
            ][f"{folder}/iommu_group"]
        )
        output_of(hosts.guest, ["resolver", "restore", device])

    assert (0, scenario.expected.driver) == (
        code,
        os.path.basename(state[f"{folder}/driver"]),
    )
    assert state[f"/dev/vfio/{group}"].startswith("character device")
    assert f"{folder}/vfio-dev/vfio0/" in state
    expected = on_fakefs(name, each_kernel.release, device)
    found = json.loads(text)
    assert without_differences(expected, name) == without_differences(found, name)


def test_one_line_binds_a_device(each_kernel: InstalledKernel, tmp_path: Path) -> None:
    """The command from the documents works as typed."""
    device = "0000:3b:00.2"
    script = f"resolver bind {device} && ls /sys/bus/pci/devices/{device}/vfio-dev"
    words = ["run", "--via", "vm", "--kernel", each_kernel.release, "mlx5_vfio_pci"]
    done = subprocess.run(
        [sys.executable, "-m", "simkernel", *words, "--", "sh", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "0000:3b:00.2 (15b3:101e): mlx5_core -> mlx5_vfio_pci\n"
        "    vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* (modules.alias)\n"
        "vfio0\n"
    )
    assert "simkernel: module mlx5_core: stub" in done.stderr
