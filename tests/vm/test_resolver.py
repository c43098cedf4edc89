"""resolver on a real kernel, in difficult cases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from simkernel.fronts.vm.machine.guest import Guest
from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel
from simkernel.fronts.vm.machine.topology import plan_machine
from simkernel.fronts.vm.modules.directory import module_directory
from simkernel.fronts.vm.scenario.select_kernel import load_for
from simkernel.fronts.vm.scenario.setup import ScenarioSetup
from tests.vm.inside import output_of

pytestmark = pytest.mark.real

SCENARIO = """\
description: Virtual functions, some below a switch, a driver that keeps its device.
parameters:
  release: {default: 6.12.117-amd64, description: kernel release}
---
{% import "_macros/connectx.yaml.j2" as connectx %}
{% import "_macros/pci.yaml.j2" as pci %}
{% import "_macros/vfio.yaml.j2" as vfio %}
kernel: {release: {{ release }}}
modules:
{{ connectx.modules(release=release) }}
{{ vfio.host_driver("tidy", "kernel/drivers/misc/tidy.ko", ["1af4:1110"]) }}
  - name: stubborn
    path: kernel/drivers/misc/stubborn.ko
    drivers: [{name: stubborn, remove_ms: -1, ids: [{id: "1af4:1111"}]}]
loaded: [mlx5_core, tidy, stubborn]
devices:
{{ connectx.devices(vfs=8) }}
{{ pci.bridge("0000:40:00.0", "8086:347a", bus="41") }}
{{ pci.bridge("0000:41:00.0", "8086:347b", bus="42") }}
{{ pci.bridge("0000:42:00.0", "8086:347c", bus="43") }}
  - {address: "0000:43:00.0", id: "1af4:1110", class: "088000"}
  - {address: "0000:43:00.1", id: "1af4:1110", class: "088000"}
  - {address: "0000:50:00.0", id: "1af4:1111", class: "088000"}
"""
PF, VF = "0000:3b:00.0", "0000:3b:00.2"
BELOW_SWITCH = ("0000:43:00.0", "0000:43:00.1")
PORTS = ("0000:41:00.0", "0000:42:00.0")
KEPT = "0000:50:00.0"


@pytest.fixture(scope="module")
def guest(
    kernel: InstalledKernel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guest]:
    """Return a guest that is the scenario's host."""
    path = tmp_path_factory.mktemp("scenario") / "difficult.yaml.j2"
    path.write_text(SCENARIO)
    scenario = load_for(str(path), {}, kernel.release)
    tree = module_directory(scenario, kernel, lambda text: None)
    machine = plan_machine([scenario])
    with Guest(machine, image=kernel.image, release=kernel.release) as guest:
        setup = ScenarioSetup(
            guest, release=kernel.release, simpci=tree.simpci, stock=kernel.modules
        )
        setup.apply(scenario, tree)
        yield guest


def resolver(guest: Guest, *words: str) -> tuple[int, dict[str, Any]]:
    """Return exit code of the command and what it says of each device."""
    command, *rest = words
    code, text = output_of(guest, ["resolver", command, "--json", *rest])
    return code, {one["device"]: one for one in json.loads(text)["devices"]}


def link(guest: Guest, *words: str) -> str:
    """Return what ``readlink`` prints about a device or a file of it."""
    *options, path = words
    path = f"/sys/bus/pci/devices/{path}"
    return output_of(guest, ["readlink", *options, path])[1].strip()


def look(guest: Guest, device: str) -> dict[str, str]:
    """Return what sysfs has of a device: files, and where links lead.

    But for clocks, and the power state, which is unknown until VFIO has asked for it.
    """
    folder = link(guest, "-f", device)
    state: dict[str, str] = guest.call("observe", roots=[folder], skip=[])["state"]
    varying = (f"{folder}/power/runtime_", f"{folder}/power_state")
    return {path: text for path, text in state.items() if not path.startswith(varying)}


def driver_of(guest: Guest, device: str) -> str:
    """Return the name of a device's driver; empty: it has none."""
    return link(guest, f"{device}/driver").rpartition("/")[2]


def changed(before: dict[str, str], after: dict[str, str]) -> dict[str, str | None]:
    """Return what is otherwise than it was; None: it is gone."""
    names = before.keys() | after.keys()
    return {one: after.get(one) for one in names if before.get(one) != after.get(one)}


def test_virtual_function_leaves_the_physical_one_alone(guest: Guest) -> None:
    """Bind, status and restore change nothing else."""
    before = look(guest, PF), look(guest, VF)
    code, bound = resolver(guest, "bind", VF)
    during = look(guest, PF)
    driver = driver_of(guest, VF)
    _, status = resolver(guest, "status")
    back, _ = resolver(guest, "restore", VF)

    assert (code, back) == (0, 0)
    assert bound[VF]["driver"] == "mlx5_vfio_pci"
    assert driver == "mlx5_vfio_pci"
    assert changed(before[0], during) == {}
    assert (status[VF]["state"], status[VF]["previous_driver"]) == (
        "as wanted",
        "mlx5_core",
    )
    assert changed(before[0], look(guest, PF)) == {}
    assert changed(before[1], look(guest, VF)) == {}


def test_group_with_bridges_is_bound_without_them(guest: Guest) -> None:
    """One member alone is refused; switch ports keep their driver."""
    alone, refused = resolver(guest, "bind", BELOW_SWITCH[0])
    code, bound = resolver(guest, "bind", "--group", BELOW_SWITCH[0])
    drivers = [driver_of(guest, one) for one in (*BELOW_SWITCH, *PORTS)]
    back, _ = resolver(guest, "restore", *BELOW_SWITCH)

    assert (alone, refused[BELOW_SWITCH[0]]["rule"]) == (3, "group-shared")
    assert (code, back) == (0, 0)
    assert list(bound) == list(BELOW_SWITCH)
    assert drivers == ["vfio-pci", "vfio-pci", "pcieport", "pcieport"]
    assert [driver_of(guest, one) for one in BELOW_SWITCH] == ["tidy", "tidy"]


def test_eight_are_bound_side_by_side(guest: Guest) -> None:
    """Each gets the driver, and one command restores all of them."""
    code, bound = resolver(guest, "bind", "--jobs", "4", f"vfs:{PF}")
    drivers = {driver_of(guest, one) for one in bound}
    back, restored = resolver(guest, "restore", "--all")

    assert (code, len(bound), drivers) == (0, 8, {"mlx5_vfio_pci"})
    assert back == 0
    assert restored.keys() == bound.keys()
    assert {driver_of(guest, one) for one in bound} == {"mlx5_core"}


def test_driver_that_keeps_its_device_is_told_and_left(guest: Guest) -> None:
    """The blocked process is named, and keeps the device."""
    code, told = resolver(guest, "unbind", "--timeout", "2", KEPT)
    blocked = told[KEPT]["blocked"]
    alive, _ = output_of(guest, ["test", "-d", f"/proc/{blocked['pid']}"])
    _, status = resolver(guest, "status")
    other, refused = resolver(guest, "bind", "--timeout", "2", KEPT)
    group = told[KEPT]["iommu_group"]

    assert (code, told[KEPT]["undone"]) == (5, False)
    assert blocked["place"] == "stub_pci_remove"
    assert alive == 0
    assert (status[KEPT]["state"], status[KEPT]["held_by"]) == ("busy", blocked["pid"])
    assert other == 1
    assert f"/run/resolver/group-{group}.lock" in refused[KEPT]["error"]
