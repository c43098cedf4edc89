"""Hosts drawn as Graphviz graphs."""

from __future__ import annotations

import re

from simkernel.drawing.dot import dot
from simkernel.drawing.topology import topology
from tests.bench import bench, device
from tests.unit.simkernel.drawing.hosts import EMPTY, NAMES, nic


def test_graph_has_groups_devices_drivers_and_bindings() -> None:
    """An override that differs from the driver is a dashed edge."""
    text = dot("nic", nic())

    assert 'subgraph "cluster_group_2" {' in text
    assert '"device pci 0000:3b:00.2" [label="0000:3b:00.2\\n15b3:101e VF"]' in text
    assert '"device pci 0000:3b:00.2" -> "driver pci vfio-pci"\n' in text
    assert '"device pci 0000:3b:00.3" -> "driver pci mlx5_core"\n' in text
    assert (
        '"device pci 0000:3b:00.3" -> "driver pci vfio-pci" '
        '[style=dashed label="override"]' in text
    )


def test_names_are_escaped() -> None:
    """Quotes and backslashes in names do not end a string."""
    kernel = bench()
    device(kernel, "0000:01:00.0").driver_override = NAMES

    text = dot('a "title" <here>', topology(kernel))

    assert len(re.findall(r'(?<!\\)"', text)) % 2 == 0


def test_empty_host_is_a_graph() -> None:
    """A host without devices is a valid graph."""
    assert dot("empty", EMPTY).endswith("}\n")
