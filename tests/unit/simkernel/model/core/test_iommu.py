"""IOMMU groups: members, numbers, types."""

from __future__ import annotations

from errno import EBUSY

import pytest

from simkernel.model.core.device import Device
from simkernel.model.core.iommu import IommuGroup, IommuGroups, default_type
from tests.bench import refusal_of


def _device(name: str) -> Device:
    return Device("pci", name, f"/devices/{name}")


@pytest.mark.parametrize(
    ("cmdline", "lazy", "expected"),
    [
        ("", True, "DMA-FQ"),
        ("", False, "DMA"),
        ("quiet iommu=pt", True, "identity"),
        ("iommu.passthrough=1 quiet", False, "identity"),
        ("iommu.passthrough=0 iommu=ptx", True, "DMA-FQ"),
        ("iommu.strict=1", True, "DMA"),
        ("intel_iommu=strict", True, "DMA"),
        ("intel_iommu=strict", False, "DMA"),
        ("iommu.strict=0", True, "DMA-FQ"),
        ("iommu.strict=1 iommu=pt", True, "identity"),
    ],
)
def test_type_follows_the_command_line(cmdline: str, lazy: bool, expected: str) -> None:
    """R-IOMMU-4: passthrough wins over strict."""
    assert expected == default_type(cmdline, lazy=lazy)


def test_devices_with_one_label_share_a_group() -> None:
    """R-IOMMU-1: numbers are the lowest free, or the preferred one if it is free."""
    groups = IommuGroups()
    a, b, c, d, e = (_device(name) for name in "abcde")

    groups.add(a, "first")
    groups.add(b, "second", prefer=7, name="text")
    groups.add(c, "first", prefer=9, name="ignored")
    groups.add(d, "third", prefer=7)
    groups.add(e, "fourth", prefer=0)

    assert a.iommu_group is c.iommu_group
    assert {
        number: (one.number, one.label, one.name, list(one.devices))
        for number, one in groups.by_number.items()
    } == {
        0: (0, "first", "", ["a", "c"]),
        7: (7, "second", "text", ["b"]),
        1: (1, "third", "", ["d"]),
        2: (2, "fourth", "", ["e"]),
    }
    assert groups.by_number[0].devices == {"a": a, "c": c}


def test_group_goes_with_its_last_device() -> None:
    """Its number is free again, and its label begins a new group."""
    groups = IommuGroups()
    a, b, c = (_device(name) for name in "abc")
    groups.add(a, "label")
    groups.add(b, "label")
    group = a.iommu_group
    assert group is not None

    groups.remove(a)
    assert (a.iommu_group, group.devices, groups.by_number) == (
        None,
        {"b": b},
        {0: group},
    )
    groups.remove(a)
    groups.remove(b)
    assert groups.by_number == {}
    groups.add(c, "label")
    assert c.iommu_group is not group
    assert list(groups.by_number) == [0]


def test_new_group_admits_host_drivers() -> None:
    """R-IOMMU-2: until a user process owns its DMA."""
    group = IommuGroup(3, "label")
    assert (group.name, group.noiommu, group.user_owned) == ("", False, False)
    assert (group.power, group.devices) == ({}, {})

    group.use_default_domain()
    group.user_owned = True

    assert refusal_of(group.use_default_domain) == (EBUSY, "R-IOMMU-2")


def test_node_of_a_group_has_its_number() -> None:
    """R-VFIO-6, R-VFIO-7: without an IOMMU the name says so."""
    group = IommuGroup(3, "label")
    assert group.node_name == "3"
    group.noiommu = True
    assert group.node_name == "noiommu-3"
