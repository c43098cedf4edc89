"""The same operations on the bare tree and through every front: same results.

A front translates; whatever it adds or hides shows here as a difference.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simkernel.fronts.fakefs.host import simulated
from simkernel.scenario.host import Host
from simkernel.scenario.render import installed
from simkernel.sysfs.node import Attribute, Directory, Link
from simkernel.sysfs.root import sysfs
from tests.bench import host_of

VF = "/sys/bus/pci/devices/0000:3b:00.2"
PF = "/sys/bus/pci/devices/0000:3b:00.0"
CORE = "/sys/bus/pci/drivers/mlx5_core"

WRITES = [
    (f"{VF}/driver_override", b"mlx5_vfio_pci\n"),
    (f"{VF}/driver_override", b""),
    (f"{VF}/driver_override", b"x" * 4095),
    (f"{VF}/driver_override", b"(null)"),
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

Write = Callable[[str, bytes], "int | str"]


def _bare_write(host: Host) -> Write:
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
def _bare(host: Host) -> Iterator[tuple[Write, Callable[[], dict[str, str]]]]:
    yield _bare_write(host), lambda: _walk_bare(host)


def _walk_bare(host: Host) -> dict[str, str]:
    tree, found = sysfs(host.kernel), dict[str, str]()

    def walk(path: str, directory: Directory) -> None:
        for name in directory.names():
            node, place = directory.child(name), f"{path}/{name}"
            if isinstance(node, Directory):
                walk(place, node)
            elif isinstance(node, Link):
                found[place] = f"-> {node.target}"
            elif isinstance(node, Attribute):
                found[place] = f"{node.mode:o} {node.size}"
                if node.mode & 0o444:
                    found[place] += f" {tree.read(node)!r}"

    walk("/sys", tree.root)
    return found


def _fakefs_write(path: str, data: bytes) -> int | str:
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        return "FileNotFoundError" if missing else _named(error)
    try:
        return os.write(descriptor, data)
    except OSError as error:
        return _named(error)
    finally:
        os.close(descriptor)


def _named(error: OSError) -> str:
    return f"{type(error).__name__} {error.errno}"


def _walk_fakefs() -> dict[str, str]:
    found = {}
    pending = ["/sys"]
    while pending:
        path = pending.pop()
        for name in os.listdir(path):
            place = f"{path}/{name}"
            if os.path.islink(place):
                found[place] = f"-> {os.readlink(place)}"
            elif os.path.isdir(place):
                pending.append(place)
            else:
                found[place] = _file_seen_through_fakefs(place)
    return found


def _file_seen_through_fakefs(place: str) -> str:
    status = os.stat(place)
    seen = f"{status.st_mode & 0o7777:o} {status.st_size}"
    return f"{seen} {Path(place).read_bytes()!r}" if status.st_mode & 0o444 else seen


@contextmanager
def _fakefs(host: Host) -> Iterator[tuple[Write, Callable[[], dict[str, str]]]]:
    with simulated(host):
        yield _fakefs_write, _walk_fakefs


TIERS = {"bare": _bare, "fakefs": _fakefs}


@pytest.mark.parametrize("tier", [name for name in TIERS if name != "bare"])
def test_tier_answers_as_the_tree_does(tier: str) -> None:
    """Every write has the same result, and leaves the same files behind."""
    answers, trees = {}, {}
    for name in ("bare", tier):
        host = host_of("mlx5_vfio_pci", vfs=2)
        with TIERS[name](host) as (write, walk):
            answers[name] = [
                (path, data[:20], write(path, data)) for path, data in WRITES
            ]
            trees[name] = walk()

    assert answers["bare"] == answers[tier]
    assert trees["bare"] == trees[tier]
    assert len(trees[tier]) > 100


@pytest.mark.parametrize("scenario", installed())
@pytest.mark.parametrize("tier", [name for name in TIERS if name != "bare"])
def test_tier_shows_every_scenario_as_the_tree_is(tier: str, scenario: str) -> None:
    """Files, modes, sizes, links and texts are the same, whatever the host."""
    settings = {"pfs": 2, "vfs": 3} if scenario == "many_vfs" else {}
    trees = {}
    for name in ("bare", tier):
        with TIERS[name](host_of(scenario, **settings)) as (_, walk):
            trees[name] = walk()

    assert trees["bare"] == trees[tier]


def test_refusal_has_the_class_that_python_gives_its_errno() -> None:
    """A program may catch PermissionError or FileNotFoundError, as on a real host."""
    with simulated(host_of("mlx5_vfio_pci")):
        with pytest.raises(PermissionError):
            open(f"{VF}/modalias", "w").close()
        with pytest.raises(PermissionError):
            open(f"{CORE}/bind").close()
        with pytest.raises(PermissionError):
            open("/sys/bus/pci/nosuch", "w").close()
        with pytest.raises(FileNotFoundError):
            open("/sys/bus/pci/nosuch").close()
        with pytest.raises(PermissionError):
            os.mkdir("/sys/bus/pci/nosuch")
        with pytest.raises(PermissionError):
            os.unlink(f"{VF}/modalias")
