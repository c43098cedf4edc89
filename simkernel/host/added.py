"""Convert the entries of a scenario that add nodes to the kernel's trees."""

from __future__ import annotations

from simkernel.filesystems.added import AddedNodes, Address, OpenFile, Process
from simkernel.filesystems.node import DeviceNode
from simkernel.scenario import schema

__all__ = ["added_nodes"]

_DISK_MODE, _DEVICE_MODE = 0o660, 0o600
"""Permission bits of devtmpfs; Debian's udev gives disks to the group ``disk``."""


def added_nodes(scenario: schema.Scenario) -> AddedNodes:
    """Return the directories, device nodes, processes and addresses of a scenario."""
    return AddedNodes(
        directories=scenario.directories,
        devices={one.path: _node(one.number, one.type, one) for one in scenario.nodes},
        processes=tuple(
            Process(one.pid, one.name, tuple(map(_open_file, one.files)), one.sockets)
            for one in scenario.processes
        ),
        addresses=tuple(
            Address(one.interface, one.address) for one in scenario.addresses
        ),
    )


def _open_file(entry: schema.OpenFileEntry) -> OpenFile:
    device = _node(entry.number, entry.type) if entry.number else None
    return OpenFile(entry.path, device)


def _node(number: str, kind: str, entry: schema.NodeEntry | None = None) -> DeviceNode:
    major, minor = map(int, number.split(":"))
    is_block = kind == "block"
    return DeviceNode(
        mode=_DISK_MODE if is_block else _DEVICE_MODE,
        major=major,
        minor=minor,
        is_block=is_block,
        is_claimed=entry is not None and entry.claimed,
    )
