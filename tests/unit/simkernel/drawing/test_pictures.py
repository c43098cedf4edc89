"""Pictures of hosts: what is in them, and that others can read them."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET

import pytest

from simkernel.drawing.dot import dot
from simkernel.drawing.svg import svg
from simkernel.drawing.topology import Topology, topology
from simkernel.drawing.tree import print_tree
from simkernel.scenario.render import installed
from tests.bench import bench, device, host_of

SVG = "{http://www.w3.org/2000/svg}"


def nic(vfs: int = 2) -> Topology:
    """Return a host with a function on vfio-pci, and one with an override."""
    kernel = host_of("mlx5_vfio_pci", vfs=vfs).kernel
    for name in ("vfio", "irqbypass", "vfio_pci_core", "vfio_pci"):
        kernel.modules.load(name)
    first, second = (device(kernel, f"0000:3b:00.{n}") for n in (2, 3))
    kernel.pci.release(first)
    first.driver_override = b"vfio-pci"
    kernel.pci.attach_device(first)
    second.driver_override = b"vfio-pci"
    return topology(kernel)


def drawn(title: str, host: Topology) -> str:
    """Return the tree as text."""
    out = io.StringIO()
    print_tree(title, host, out)
    return out.getvalue()


def test_tree_has_functions_below_bridges_with_group_and_driver() -> None:
    """A virtual function is below its physical one; what is set shows."""
    text = drawn("nic", nic())

    assert text.splitlines()[:8] == [
        "nic  kernel 6.12.117-amd64",
        "├── bus pci",
        "│   └── 0000:3a:00.0  8086:347a  PCI bridge  group 0  pcieport",
        "│       └── 0000:3b:00.0  15b3:101d  Ethernet controller  group 1  mlx5_core"
        "  ens1np0",
        "│           ├── 0000:3b:00.2  15b3:101e  Ethernet controller  VF  group 2"
        "  vfio-pci  override vfio-pci",
        "│           └── 0000:3b:00.3  15b3:101e  Ethernet controller  VF  group 3"
        "  mlx5_core  override vfio-pci  ens1v1",
        "├── drivers",
        "│   ├── pcieport  pci, 1 device  module pcieportdrv",
    ]
    assert "    └── vfio_pci\n" in text
    assert "vfio  used by vfio_pci_core" in text


def test_tree_has_every_device_of_every_bus() -> None:
    """Also those of buses other than PCI."""
    kernel = host_of("golden_lab").kernel

    text = drawn("lab", topology(kernel))

    for bus in kernel.buses.values():
        for name in bus.devices:
            assert name in text


def test_graph_has_groups_devices_drivers_and_bindings() -> None:
    """In Graphviz's words; an override that is not obeyed is a dashed edge."""
    text = dot("nic", nic())

    assert 'subgraph "cluster_group_2" {' in text
    assert '"device pci 0000:3b:00.2" [label="0000:3b:00.2\\n15b3:101e VF"]' in text
    assert '"device pci 0000:3b:00.2" -> "driver pci vfio-pci"\n' in text
    assert '"device pci 0000:3b:00.3" -> "driver pci mlx5_core"\n' in text
    assert (
        '"device pci 0000:3b:00.3" -> "driver pci vfio-pci" '
        '[style=dashed label="override"]' in text
    )


@pytest.mark.parametrize("draw", [dot, svg])
def test_strange_names_do_not_break_a_picture(draw):  # type: ignore[no-untyped-def]
    """Quotes, angle brackets and control characters are only text."""
    kernel = bench()
    device(kernel, "0000:01:00.0").driver_override = b'<a> & "b" \\ \x01'

    text = draw('a "title" <here>', topology(kernel))

    if draw is svg:
        assert "<a> & " in "".join(ET.fromstring(text).itertext())
    else:
        assert len(re.findall(r'(?<!\\)"', text)) % 2 == 0


@pytest.mark.parametrize("scenario", [one for one in installed() if one != "many_vfs"])
def test_svg_is_valid_and_has_everything(scenario: str) -> None:
    """A row for each device, a box for each driver, a line for each binding."""
    host = topology(host_of(scenario).kernel)

    root = ET.fromstring(svg(scenario, host))
    texts = [one.text or "" for one in root.iter(f"{SVG}text")]

    for one in host.devices:
        assert any(text.startswith(one.name) for text in texts)
    for driver in host.drivers:
        assert driver.name in texts
    bound = sum(1 for one in host.devices if one.driver)
    overrides = sum(
        one.override in {driver.name for driver in host.drivers} - {one.driver}
        for one in host.devices
    )
    assert len(list(root.iter(f"{SVG}path"))) == bound + overrides


def test_nothing_in_the_svg_overlaps_or_leaves_it() -> None:
    """With twenty devices, too: frames and boxes are apart, texts inside them."""
    root = ET.fromstring(svg("nic", nic(vfs=16)))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = [
        tuple(float(one.attrib[key]) for key in ("x", "y", "width", "height"))
        for one in root.iter(f"{SVG}rect")
        if "class" in one.attrib
    ]

    assert len(boxes) == 18 + 3
    for number, (x, y, wide, high) in enumerate(boxes):
        assert x >= 0
        assert y >= 0
        assert x + wide <= width
        assert y + high <= height
        for left, top, other_wide, other_high in boxes[number + 1 :]:
            apart = (
                x + wide <= left
                or left + other_wide <= x
                or y + high <= top
                or top + other_high <= y
            )
            assert apart
    for text in root.iter(f"{SVG}text"):
        if text.attrib.get("class") == "title":
            continue
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        end = x + len(text.text or "") * 7.2
        assert any(
            left <= x and end <= left + wide and top <= y <= top + high
            for left, top, wide, high in boxes
        )


def test_host_without_devices_can_be_drawn() -> None:
    """An empty picture is one, too."""
    empty = Topology(release="6.1.0", devices=(), drivers=(), modules=())

    assert drawn("empty", empty) == "empty  kernel 6.1.0\n"
    assert ET.fromstring(svg("empty", empty)).tag == f"{SVG}svg"
    assert dot("empty", empty).endswith("}\n")
