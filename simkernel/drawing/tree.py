"""Draw a host as a tree on a terminal."""

from __future__ import annotations

from typing import IO

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from simkernel.drawing.topology import DeviceNode, DriverNode, Topology

__all__ = ["print_tree"]

_WIDE = 1000
"""Width if the output is no terminal, in columns."""


def print_tree(title: str, host: Topology, out: IO[str] | None = None) -> None:
    """Print buses with devices, drivers, and loaded modules.

    :param title: name of the host.
    :param out: output stream; None: standard output.
    """
    console = Console(file=out, highlight=False)
    if not console.is_terminal:
        console = Console(file=out, highlight=False, width=_WIDE)
    root = Tree(Text.assemble((title, "bold"), f"  kernel {host.release}"))
    for bus in dict.fromkeys(device.bus for device in host.devices):
        _add_bus(root, bus, [one for one in host.devices if one.bus == bus])
    if host.drivers:
        drivers = root.add(Text("drivers", "bold"))
        for driver in host.drivers:
            drivers.add(_driver_text(driver))
    if host.modules:
        modules = root.add(Text("modules, oldest first", "bold"))
        for name, users in host.modules:
            used = f"  used by {', '.join(users)}" if users else ""
            modules.add(Text.assemble(name, (used, "dim")))
    console.print(root, soft_wrap=True)


def _add_bus(root: Tree, bus: str, devices: list[DeviceNode]) -> None:
    places: dict[str, Tree] = {"": root.add(Text(f"bus {bus}", "bold"))}
    for device in devices:
        places[device.name] = places[device.parent].add(_device_text(device))


def _device_text(device: DeviceNode) -> Text:
    """Return the line of a device."""
    text = Text.assemble((device.name, "cyan"), f"  {device.id}")
    if device.kind:
        text.append(f"  {device.kind}", "dim")
    if device.virtual:
        text.append("  VF", "dim")
    if device.group:
        text.append(f"  group {device.group}", "yellow")
    if device.driver:
        text.append(f"  {device.driver}", "green")
    else:
        text.append("  no driver", "red")
    if device.override:
        text.append(f"  override {device.override}", "magenta")
    if device.interface:
        text.append(f"  {device.interface}")
    return text


def _driver_text(driver: DriverNode) -> Text:
    count = "no device" if not driver.devices else f"{driver.devices} device"
    plural = "s" if driver.devices > 1 else ""
    text = Text.assemble((driver.name, "green"), f"  {driver.bus}, {count}{plural}")
    if driver.module and driver.module != driver.name:
        text.append(f"  module {driver.module}", "dim")
    if driver.vfio:
        text.append("  VFIO", "bold")
    return text
