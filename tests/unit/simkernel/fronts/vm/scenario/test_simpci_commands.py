"""The commands for simpci from a scenario's functions."""

from __future__ import annotations

from simkernel.fronts.vm.scenario.simpci_commands import (
    add_line,
    pose_line,
    qemu_functions,
    synthetic_functions,
)
from simkernel.scenario.render import load, parse
from simkernel.scenario.schema import Scenario


def addresses(scenario: Scenario, *, synthetic_ones: bool) -> list[str]:
    """Return the addresses of functions that are simpci's, or that are QEMU's."""
    chosen = (
        synthetic_functions(scenario) if synthetic_ones else qemu_functions(scenario)
    )
    return [one.address for one in chosen]


def test_bridges_are_qemus_and_the_rest_synthetic() -> None:
    """A bridge only shows the scenario's ids."""
    scenario = load("mlx5_vfio_pci")

    assert addresses(scenario, synthetic_ones=False) == ["0000:3a:00.0"]
    assert addresses(scenario, synthetic_ones=True) == ["0000:3b:00.0"]
    assert pose_line(qemu_functions(scenario)[0]) == (
        "pose 0000:3a:00.0 vendor=8086 device=347a subvendor=0000 subdevice=0000 "
        "class=060400 revision=00"
    )


def test_physical_function_is_told_with_its_capability() -> None:
    """The command has every property that the kernel can see."""
    scenario = load("hisi_acc_vfio_pci")
    (device,) = (one for one in scenario.devices if one.address == "0000:75:00.0")

    assert add_line(device, scenario.devices) == (
        "add 0000:75:00.0 vendor=19e5 device=a250 subvendor=19e5 subdevice=a250 "
        "class=120000 revision=21 express=1 acs=1 flr=1 pm=0 sriov=63,1,1,a251,a251"
    )


def test_functions_of_one_group_have_no_access_control() -> None:
    """Without ACS, the kernel puts them into one group."""
    scenario = parse("""
        kernel: {release: 6.12.1}
        devices:
          - {address: "0000:01:00.0", id: "1af4:0001", iommu_group: 5}
          - {address: "0000:01:00.1", id: "1af4:0001", iommu_group: 5}
          - {address: "0000:01:00.2", id: "1af4:0001", iommu_group: 6}
          - {address: "0000:01:00.3", id: "1af4:0001"}
          - {address: "0000:02:00.0", id: "1af4:0001", express: false}
    """)
    lines = [add_line(one, scenario.devices) for one in scenario.devices]

    assert ["acs=1" in one for one in lines] == [False, False, True, True, False]
    assert "express=0" in lines[4]


def test_functions_that_a_pc_has_anyway_are_posed() -> None:
    """QEMU's host bridge cannot be replaced, but it can show other ids."""
    scenario = load("golden_lab")

    assert "0000:00:00.0" in addresses(scenario, synthetic_ones=False)
    assert "0000:00:0e.0" in addresses(scenario, synthetic_ones=True)
