"""The same operations on the bare tree and on every tier, with the same results."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from simkernel.filesystems.node import Attribute, Link
from simkernel.filesystems.sysfs.root import sysfs
from simkernel.filesystems.walk import walk
from simkernel.fronts.fakefs.host import simulated
from simkernel.fronts.fuse.host import FuseHost
from simkernel.host.host import Host
from simkernel.scenario.render import installed
from tests.bench import host_of
from tests.contract import client
from tests.fuse import needs_fuse

VF = "/sys/bus/pci/devices/0000:3b:00.2"
PF = "/sys/bus/pci/devices/0000:3b:00.0"
CORE = "/sys/bus/pci/drivers/mlx5_core"

WRITES = [
    (f"{VF}/driver_override", b"mlx5_vfio_pci\n"),
    (f"{VF}/driver_override", b""),
    (f"{VF}/driver_override", b"x" * 4095),
    (f"{VF}/driver_override", b"(null)"),
    (f"{VF}/driver_override", b"y" * 5000),
    (f"{VF}/driver_override", b"\n"),
    (f"{VF}/vendor", b"x"),
    (f"{VF}/nosuch", b"x"),
    (f"{CORE}/bind", b"0000:3b:00.2"),
    (f"{CORE}/unbind", b"0000:99:00.0"),
    (f"{CORE}/unbind", b"0000:3b:00.2\n"),
    (f"{VF}/driver/unbind", b"0000:3b:00.2"),
    ("/sys/bus/pci/drivers_probe", b"0000:3b:00.2"),
    ("/sys/bus/pci/drivers_probe", b"0000:99:00.0"),
    ("/sys/bus/pci/drivers_autoprobe", b"0"),
    ("/sys/bus/pci/drivers_autoprobe", b"y"),
    (f"{CORE}/new_id", b"15b3"),
    (f"{CORE}/new_id", b"15b3 101e"),
    (f"{CORE}/remove_id", b"15b3 beef"),
    (f"{PF}/sriov_numvfs", b"99"),
    (f"{PF}/sriov_numvfs", b"2"),
    (f"{PF}/sriov_numvfs", b"0"),
    (f"{PF}/sriov_numvfs", b"3"),
    (f"{PF}/uevent", b"change"),
    (f"{PF}/uevent", b"CHANGE"),
    (f"{PF}/remove", b"1"),
    ("/sys/bus/pci/rescan", b"1"),
]


@dataclass(frozen=True, slots=True)
class Seen:
    """A host as a program sees it on one of the tiers."""

    write: Callable[[str, bytes], int | str]
    walk: Callable[[], dict[str, str]]
    attempt: Callable[[str], str] = client.attempt


def _bare_write(host: Host) -> Callable[[str, bytes], int | str]:
    tree = sysfs(host.kernel)

    def write(path: str, data: bytes) -> int | str:
        node = tree.resolve(path.removeprefix("/sys/"))
        if not isinstance(node, Attribute):
            return "FileNotFoundError"
        try:
            tree.check_open(node, reads=False, writes=True)
            return tree.write(node, data)
        except OSError as error:
            return type(OSError(error.errno, "")).__name__ + f" {error.errno}"

    return write


@contextmanager
def _bare(host: Host) -> Iterator[Seen]:
    yield Seen(_bare_write(host), lambda: _walk_bare(host))


def _walk_bare(host: Host) -> dict[str, str]:
    tree, found = host.trees()["sys"], dict[str, str]()
    for path, node in walk(tree.root, "/sys"):
        if isinstance(node, Link):
            found[path] = f"-> {node.target}"
        elif isinstance(node, Attribute):
            found[path] = f"{node.mode:o} {node.size}"
            if node.mode & 0o444:
                found[path] += f" {tree.read(node)!r}"
    return found


@contextmanager
def _fakefs(host: Host) -> Iterator[Seen]:
    with simulated(host):
        yield Seen(client.write, client.walk)


@contextmanager
def _fuse(host: Host) -> Iterator[Seen]:
    """Send requests to a client process on the host."""
    with FuseHost(lambda: host) as place:
        reading, writing = os.pipe(), os.pipe()
        program = [sys.executable, os.fspath(Path(client.__file__))]
        process = place.start(program, streams=(writing[0], reading[1], 2))
        os.close(writing[0])
        os.close(reading[1])
        with open(reading[0]) as answers, open(writing[1], "w") as requests:

            def ask(**request: str) -> Any:
                requests.write(json.dumps(request) + "\n")
                requests.flush()
                return json.loads(answers.readline())

            yield Seen(
                lambda path, data: ask(write=path, data=data.hex()),
                lambda: ask(walk=""),
                lambda name: ask(attempt=name),
            )
        process.wait()


TIERS = {"bare": _bare, "fakefs": _fakefs, "fuse": _fuse}
FRONTS = [
    "fakefs",
    pytest.param("fuse", marks=[needs_fuse, pytest.mark.real]),
]


@pytest.mark.parametrize("tier", FRONTS)
def test_tier_gives_the_results_of_the_tree(tier: str) -> None:
    """Every write has the same result and leaves the same files."""
    answers, trees = {}, {}
    for name in ("bare", tier):
        host = host_of("mlx5_vfio_pci", vfs=2)
        with TIERS[name](host) as seen:
            answers[name] = [
                (path, data[:20], seen.write(path, data)) for path, data in WRITES
            ]
            trees[name] = seen.walk()

    assert answers["bare"] == answers[tier]
    assert trees["bare"] == trees[tier]
    assert len(trees[tier]) > 100


@pytest.mark.parametrize("scenario", installed())
@pytest.mark.parametrize("tier", FRONTS)
def test_tier_shows_the_tree_of_every_scenario(tier: str, scenario: str) -> None:
    """Files, modes, sizes, links and texts are the same on every host."""
    settings = {"pfs": 2, "vfs": 3} if scenario == "many_vfs" else {}
    trees = {}
    for name in ("bare", tier):
        with TIERS[name](host_of(scenario, **settings)) as seen:
            trees[name] = seen.walk()

    assert trees["bare"] == trees[tier]


@pytest.mark.parametrize("tier", FRONTS)
def test_refusal_has_the_exception_class_of_its_errno(tier: str) -> None:
    """A program may catch PermissionError or FileNotFoundError, as on a real host."""
    with TIERS[tier](host_of("mlx5_vfio_pci")) as seen:
        refusals = {name: seen.attempt(name) for name in client.ATTEMPTS}

    assert refusals == {
        "write what is read only": "PermissionError EACCES",
        "read what is write only": "PermissionError EACCES",
        "create a file": "PermissionError EACCES",
        "open what is not there": "FileNotFoundError ENOENT",
        "make a directory": "PermissionError EPERM",
        "remove a directory": "PermissionError EPERM",
        "remove a file": "PermissionError EPERM",
        "rename a file": "PermissionError EPERM",
        "make a link": "PermissionError EPERM",
        "read a directory": "IsADirectoryError EISDIR",
        "list a file": "NotADirectoryError ENOTDIR",
        "go through a file": "NotADirectoryError ENOTDIR",
    }
