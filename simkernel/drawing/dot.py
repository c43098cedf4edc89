"""Draw a host as a graph in the DOT language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from simkernel.drawing.topology import DeviceNode, Topology

__all__ = ["dot"]


def dot(title: str, host: Topology) -> str:
    """Return a DOT graph of groups, drivers and bindings.

    A device without a driver has no edge. A dashed edge leads to the driver that only
    ``driver_override`` names.

    Source: the DOT language, https://graphviz.org/doc/info/lang.html.
    """
    return "\n".join(["digraph host {", *_lines(title, host), "}", ""])


def _lines(title: str, host: Topology) -> Iterator[str]:
    yield f"  label={_quoted(f'{title}, kernel {host.release}')}"
    yield "  labelloc=t rankdir=LR ranksep=1.5 nodesep=0.1"
    yield '  node [shape=box fontname="monospace" fontsize=10]'
    for group, devices in host.groups():
        if group:
            yield f"  subgraph {_quoted(f'cluster_group_{group}')} {{"
            yield f"    label={_quoted(f'IOMMU group {group}')}"
        for device in devices:
            yield f"    {_device_id(device)} [label={_quoted(_label(device))}]"
        if group:
            yield "  }"
    for driver in host.drivers:
        words = [driver.name, f"module {driver.module}" if driver.module else ""]
        style = "rounded,filled" if driver.vfio else "rounded"
        label = "\n".join(filter(None, [*words, "VFIO" if driver.vfio else ""]))
        yield (
            f"  {_driver_id(driver.bus, driver.name)} "
            f"[label={_quoted(label)} style={_quoted(style)}]"
        )
    yield from _edges(host)


def _edges(host: Topology) -> Iterator[str]:
    known = {(driver.bus, driver.name) for driver in host.drivers}
    for device in host.devices:
        here = _device_id(device)
        if device.driver:
            yield f"  {here} -> {_driver_id(device.bus, device.driver)}"
        if device.override != device.driver and (device.bus, device.override) in known:
            there = _driver_id(device.bus, device.override)
            yield f'  {here} -> {there} [style=dashed label="override"]'


def _label(device: DeviceNode) -> str:
    second = " ".join(filter(None, [device.id, "VF" if device.virtual else ""]))
    return "\n".join(filter(None, [device.name, second, device.interface]))


def _device_id(device: DeviceNode) -> str:
    return _quoted(f"device {device.bus} {device.name}")


def _driver_id(bus: str, name: str) -> str:
    return _quoted(f"driver {bus} {name}")


def _quoted(text: str) -> str:
    r"""Return a DOT string; a newline becomes ``\n``."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\n", "\\n") + '"'
