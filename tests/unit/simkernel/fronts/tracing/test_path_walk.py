"""From the steps of the system to the operations of a program."""

from __future__ import annotations

import posixpath
from errno import ENOENT

import pytest

from simkernel.fronts.tracing.path_walk import FileCall, PathWalks

LINK, TARGET = "/sys/bus/pci/devices/d", "../../../devices/d"


def operations(*steps: str, pid: int = 7) -> list[str]:
    """Return what is written for steps like ``stat /sys`` or ``stat /sys ENOENT``."""
    written: list[str] = []
    walks = PathWalks(lambda pid, step: written.append(f"{step.operation} {step.path}"))
    for text in steps:
        operation, path, *more = text.split()
        step = FileCall(operation, path, "program", 0.0)
        step.errno = ENOENT if more == ["ENOENT"] else 0
        if operation == "readlink":
            step.target = posixpath.normpath(f"{posixpath.dirname(path)}/{TARGET}")
        walks.add(pid, step)
    walks.finish()
    return written


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["stat /sys/bus", "stat /sys/bus/pci"], ["stat /sys/bus/pci"]),
        (["stat /sys/bus", "stat /sys/bus/x ENOENT"], ["stat /sys/bus/x"]),
        (["stat /sys/a", "open /sys/a", "read /sys/a"], ["open /sys/a", "read /sys/a"]),
        (["stat /sys/a", "listdir /sys/a"], ["listdir /sys/a"]),
        (["stat /sys/a", "stat /sys/b"], ["stat /sys/a", "stat /sys/b"]),
        (["stat /sys/a", "stat /sys/a"], ["stat /sys/a"]),
        (["stat /sys/a", "stat /sys/ab"], ["stat /sys/a", "stat /sys/ab"]),
        (["stat /sys/a ENOENT", "open /sys/a"], ["stat /sys/a", "open /sys/a"]),
    ],
)
def test_directories_on_the_way_are_left_out(
    steps: list[str], expected: list[str]
) -> None:
    """What the program wanted is what remains."""
    assert expected == operations(*steps)


def test_link_that_is_followed_is_left_out() -> None:
    """Up from the link and down to its target, the way the system goes."""
    steps = [
        "stat /sys/bus",
        f"stat {LINK}",
        f"readlink {LINK}",
        f"stat {LINK}",
        "stat /sys/bus/pci",
        "stat /sys/bus",
        "stat /sys/devices",
        "stat /sys/devices/d",
        "open /sys/devices/d/vendor",
    ]

    assert operations(*steps) == ["open /sys/devices/d/vendor"]


def test_link_that_is_read_is_an_operation() -> None:
    """The program goes on elsewhere, or not at all."""
    assert operations(f"stat {LINK}", f"readlink {LINK}") == [f"readlink {LINK}"]
    assert operations(f"readlink {LINK}", "stat /sys/class") == [
        f"readlink {LINK}",
        "stat /sys/class",
    ]


def test_processes_are_apart() -> None:
    """One that is on its way somewhere does not hide what another one does."""
    written: list[tuple[int, str]] = []
    walks = PathWalks(lambda pid, step: written.append((pid, step.path)))
    for pid, path in ((1, "/sys/a"), (2, "/sys/a/b"), (1, "/sys/a/c")):
        walks.add(pid, FileCall("stat", path, None, 0.0))
    walks.finish()

    assert sorted(written) == [(1, "/sys/a/c"), (2, "/sys/a/b")]
