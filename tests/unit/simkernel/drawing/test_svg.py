"""Hosts drawn as SVG pictures."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from simkernel.drawing.svg import svg
from simkernel.drawing.topology import topology
from simkernel.scenario.render import installed
from tests.bench import bench, device, host_of
from tests.unit.simkernel.drawing.hosts import EMPTY, NAMES, nic

SVG = "{http://www.w3.org/2000/svg}"


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
    """Frames and boxes are apart, and texts inside them, with twenty devices."""
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


def test_names_are_escaped() -> None:
    """Markup and control characters in names are text."""
    kernel = bench()
    device(kernel, "0000:01:00.0").driver_override = NAMES

    text = svg('a "title" <here>', topology(kernel))

    assert "<a> & " in "".join(ET.fromstring(text).itertext())


def test_empty_host_is_a_picture() -> None:
    """A host without devices is a valid picture."""
    assert ET.fromstring(svg("empty", EMPTY)).tag == f"{SVG}svg"
