"""Check the device nodes, processes and addresses of a scenario."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from simkernel.scenario import schema
from simkernel.suggest import did_you_mean

__all__ = ["added_paths", "check_programs"]

_LARGEST_MAJOR, _LARGEST_MINOR = 4095, 1048575
"""Source: include/linux/kdev_t.h."""
_FIRST_PID, _LAST_PID = 3, 4194303
"""Process 1 is init, 2 is kthreadd. Source: include/linux/threads.h PID_MAX_LIMIT."""
_KERNEL_NODES = ("/dev/kmsg", "/dev/null", "/dev/vfio/")


def added_paths(scenario: schema.Scenario) -> Iterator[tuple[str, str]]:
    """Yield place and path of each node that a scenario adds."""
    for path in scenario.files:
        yield f"files.{path}", path
    for path in scenario.links:
        yield f"links.{path}", path
    for index, path in enumerate(scenario.directories):
        yield f"directories[{index}]", path
    for index, node in enumerate(scenario.nodes):
        yield f"nodes[{index}]", node.path
    for index, process in enumerate(scenario.processes):
        yield f"processes[{index}]", f"/proc/{process.pid}/comm"
    if any(":" in one.address for one in scenario.addresses):
        yield "addresses", "/proc/net/if_inet6"


def check_programs(scenario: schema.Scenario) -> Iterator[str]:
    """Yield every problem found, as ``place: problem``."""
    for index, node in enumerate(scenario.nodes):
        where = f"nodes[{index}]"
        yield from _number(where, node.number)
        if node.claimed and node.type != "block":
            yield f"{where}.claimed: only a block device can be claimed"
    for index, process in enumerate(scenario.processes):
        where = f"processes[{index}]"
        if not _FIRST_PID <= process.pid <= _LAST_PID:
            yield f"{where}.pid: {process.pid} must be {_FIRST_PID} to {_LAST_PID}"
        for number, file in enumerate(process.files):
            yield from _open_file(scenario, f"{where}.files[{number}]", file)
        for number, inode in enumerate(process.sockets):
            if inode < 1:
                yield f"{where}.sockets[{number}]: {inode} is below 1"
    for index, one in enumerate(scenario.addresses):
        try:
            ipaddress.ip_interface(one.address)
        except ValueError:
            yield (
                f"addresses[{index}].address: {one.address!r} must be an address with "
                "a prefix length, like 192.0.2.5/24"
            )


def _number(where: str, number: str) -> Iterator[str]:
    major, minor = map(int, number.split(":"))
    if major > _LARGEST_MAJOR or minor > _LARGEST_MINOR:
        yield (
            f"{where}.number: {number} is above {_LARGEST_MAJOR}:{_LARGEST_MINOR}, the "
            "largest device number"
        )


def _open_file(
    scenario: schema.Scenario, where: str, file: schema.OpenFileEntry
) -> Iterator[str]:
    if file.number:
        yield from _number(where, file.number)
        return
    known = [one.path for one in scenario.nodes]
    is_node = file.path in known or file.path.startswith(_KERNEL_NODES)
    if file.path.startswith("/dev/") and not is_node:
        advice = (
            did_you_mean(file.path, known) or "; add it to nodes or give its number"
        )
        yield f"{where}.path: no node {file.path}{advice}"
