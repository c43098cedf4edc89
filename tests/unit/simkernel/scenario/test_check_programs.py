"""Contradictions among directories, device nodes, processes and addresses."""

from __future__ import annotations

import pytest

from simkernel.scenario.check import check
from simkernel.scenario.render import parse

KERNEL = "kernel: {release: 6.12.0}\n"
DISK = 'nodes: [{path: /dev/sda, number: "8:0", type: block}]\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'nodes: [{path: /dev/sda, number: "4096:0"}]',
            "nodes[0].number: 4096:0 is above 4095:1048575, the largest device number",
        ),
        (
            'nodes: [{path: /dev/tty9, number: "4:9", claimed: true}]',
            "nodes[0].claimed: only a block device can be claimed",
        ),
        (
            "processes: [{pid: 2, name: a}]",
            "processes[0].pid: 2 must be 3 to 4194303",
        ),
        (
            "processes: [{pid: 9, name: a}, {pid: 9, name: b}]",
            "processes[1]: processes[0] has this path already",
        ),
        (
            DISK + "processes: [{pid: 9, name: a, files: [{path: /dev/sdb}]}]",
            "processes[0].files[0].path: no node /dev/sdb; did you mean /dev/sda?",
        ),
        (
            "processes: [{pid: 9, name: a, files: [{path: /dev/dri/card0}]}]",
            "processes[0].files[0].path: no node /dev/dri/card0; add it to nodes or "
            "give its number",
        ),
        (
            "processes: [{pid: 9, name: a, sockets: [0]}]",
            "processes[0].sockets[0]: 0 is below 1",
        ),
        (
            "addresses: [{interface: eth0, address: 192.0.2.256/24}]",
            "addresses[0].address: '192.0.2.256/24' must be an address with a prefix "
            "length, like 192.0.2.5/24",
        ),
        (
            "files: {/dev/sda: x}\n" + DISK,
            "nodes[0]: files./dev/sda has this path already",
        ),
        (
            "files: {/sys/a: x}\ndirectories: [/sys/a/b]",
            "directories[0]: a parent directory of this path is a file",
        ),
    ],
)
def test_contradiction_is_found(text: str, problem: str) -> None:
    """Each is one line with its place and what to write instead."""
    assert check(parse(KERNEL + text)) == [problem]


def test_open_files_that_need_no_number() -> None:
    """Nodes of the scenario and of the kernel, and regular files, need none."""
    files = "{path: /dev/sda}, {path: /dev/vfio/3}, {path: /srv/disk}"
    text = KERNEL + DISK + f"processes: [{{pid: 9, name: a, files: [{files}]}}]"

    assert check(parse(text)) == []
