"""The buses and bridges of QEMU for scenarios."""

from __future__ import annotations

from itertools import islice

import pytest

from simkernel.errors import UsageError
from simkernel.fronts.vm.machine.hardware import (
    DOWNSTREAM,
    ROOT_PORT,
    UPSTREAM,
    Bdf,
    Machine,
)
from simkernel.fronts.vm.machine.topology import plan_machine, plan_machines
from simkernel.scenario.render import load, parse
from simkernel.scenario.schema import Scenario


def host(*devices: str, iommu: bool = True) -> Scenario:
    """Return a scenario with functions ``ADDRESS`` and bridges ``ADDRESS>BUS``."""
    text = f"kernel: {{release: 6.12.1, iommu: {str(iommu).lower()}}}\ndevices:\n"
    for one in devices:
        address, _, bus = one.partition(">")
        text += (
            f'  - {{address: "{address}", id: "1af4:0001", secondary_bus: "{bus}"}}\n'
        )
    return parse(text)


def ports(machine: Machine) -> list[tuple[str, str, int]]:
    """Return place, kind and bus behind each port."""
    return [(str(one.place), one.kind, one.secondary) for one in machine.ports]


def test_bus_that_no_bridge_leads_to_is_a_root_bus() -> None:
    """A function keeps its bus even without a bridge to it."""
    machine = plan_machine([host("0000:6b:00.0", "0000:02:00.0")])

    assert machine.root_buses == (0x02, 0x6B)
    assert ports(machine) == []


def test_bridge_on_a_root_bus_is_a_root_port() -> None:
    """A port has the bridge's address and secondary bus."""
    machine = plan_machine([host("0000:3a:00.0>3b", "0000:3b:00.0")])

    assert machine.root_buses == (0x3A,)
    assert ports(machine) == [("0000:3a:00.0", ROOT_PORT, 0x3B)]


def test_bridges_in_a_row_are_a_switch() -> None:
    """Below a root port follow an upstream and a downstream port."""
    machine = plan_machine(
        [host("0000:18:01.0>19", "0000:16:00.0>17", "0000:19:00.0", "0000:17:00.0>18")]
    )

    assert ports(machine) == [
        ("0000:16:00.0", ROOT_PORT, 0x17),
        ("0000:17:00.0", UPSTREAM, 0x18),
        ("0000:18:01.0", DOWNSTREAM, 0x19),
    ]


def test_gap_in_the_numbers_is_filled_with_ports() -> None:
    """Filler ports consume the numbers between two bridges."""
    machine = plan_machine([host("0000:00:0a.0>01", "0000:00:0c.0>03")])

    assert ports(machine) == [
        ("0000:00:0a.0", ROOT_PORT, 1),
        ("0000:00:0b.0", ROOT_PORT, 2),
        ("0000:00:0c.0", ROOT_PORT, 3),
    ]
    assert (Bdf(0, 0x0B, 0),) == machine.fillers


@pytest.mark.parametrize(
    ("devices", "problem"),
    [
        (
            ("0000:3a:00.0>3c",),
            "0000:3a:00.0: QEMU's firmware would number the bus behind it 3b, not 3c",
        ),
        (
            ("0000:3a:01.0>3b", "0000:3a:00.0>3c"),
            "0000:3a:00.0: QEMU's firmware would number the bus behind it 3b, not 3c",
        ),
        (
            ("0000:60:01.1>61",),
            "0000:60:01.1: function 0 of its slot must be a bridge, too",
        ),
        (("0000:3a:00.0>3b", "0000:3a:01.0>3b"), "two bridges lead to the same bus"),
        (
            ("0000:3a:00.0>3b", "0000:3a:01.0>3c", "0000:3c:00.0", "0000:3b:00.0>3d"),
            "0000:3b:00.0: QEMU's firmware would number the bus behind it 3c, not 3d",
        ),
        (("0008:01:00.0",), "0008:01:00.0: QEMU supports only PCI domain 0000"),
    ],
)
def test_buses_that_cannot_be_had_are_refused(
    devices: tuple[str, ...], problem: str
) -> None:
    """The error names the function and the reason."""
    with pytest.raises(UsageError) as refusal:
        plan_machine([host(*devices)])

    assert problem == str(refusal.value)


def test_scenarios_that_differ_get_machines_of_their_own() -> None:
    """Scenarios share a machine where possible."""
    first = host("0000:3a:00.0>3b")
    other_bus = host("0000:3a:00.0>3b", "0000:5d:00.0>5e")
    no_iommu = host("0000:3a:00.0>3b", iommu=False)
    root = host("0000:3b:00.0")

    found = plan_machines([first, no_iommu, other_bus, root])

    assert [[first, other_bus], [no_iommu], [root]] == [served for _, served in found]
    assert [machine.iommu for machine, _ in found] == [True, False, True]
    assert found[0][0].root_buses == (0x3A, 0x5D)


def test_vendor_scenarios_share_one_machine() -> None:
    """Verification needs few guests."""
    names = ["mlx5", "virtio", "pds", "qat", "hisi_acc", "xe"]
    scenarios = [load(f"{one}_vfio_pci") for one in names]
    scenarios += [load(one) for one in ("golden_lab", "vfio_pci", "name_mismatch")]

    assert len(plan_machines(scenarios)) == 1


def test_own_devices_keep_out_of_the_scenarios_way() -> None:
    """The guest's own devices use free slots on bus 00."""
    machine = plan_machine([host("0000:00:1e.0", "0000:00:1c.0>01")])

    places = list(islice(machine.free_slots(), 9))

    assert places[0] == "bus=pcie.0,addr=1d.0,multifunction=on"
    assert places[7] == "bus=pcie.0,addr=1d.7"
    assert places[8] == "bus=pcie.0,addr=1b.0,multifunction=on"


def test_options_name_every_bus_and_port() -> None:
    """QEMU's options have the scenario's numbers."""
    machine = plan_machine([host("0000:3a:00.0>3b", "0000:3b:00.0")])

    assert machine.devices(machine.free_slots()) == [
        "-device",
        "pxb-pcie,id=bus3a,bus_nr=58,bus=pcie.0,addr=1e.0,multifunction=on",
        "-device",
        "pcie-root-port,id=bus3b,bus=bus3a,addr=0.0,multifunction=on,chassis=1,slot=1,"
        "hotplug=off",
    ]
