"""From file system calls to the operations of a program."""

from __future__ import annotations

import posixpath
from errno import ENOENT

import pytest

from simkernel.fronts.tracing.path_walk import FileCall, PathWalks

LINK, TARGET = "/sys/bus/pci/devices/d", "../../../devices/d"


def operations(*steps: str, pid: int = 7) -> list[str]:
    """Return the operations for calls such as ``stat /sys`` or ``stat /sys ENOENT``."""
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
def test_folders_of_a_path_walk_are_left_out(
    steps: list[str], expected: list[str]
) -> None:
    """The last call of a path walk remains."""
    assert expected == operations(*steps)


def test_followed_link_is_left_out() -> None:
    """The kernel walks back from the link and down to its target."""
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


def test_readlink_of_the_program_is_an_operation() -> None:
    """The program continues with another path, or ends."""
    assert operations(f"stat {LINK}", f"readlink {LINK}") == [f"readlink {LINK}"]
    assert operations(f"readlink {LINK}", "stat /sys/class") == [
        f"readlink {LINK}",
        "stat /sys/class",
    ]


def test_processes_are_separate() -> None:
    """The path walk of one process hides no operation of another."""
    written: list[tuple[int, str]] = []
    walks = PathWalks(lambda pid, step: written.append((pid, step.path)))
    for pid, path in ((1, "/sys/a"), (2, "/sys/a/b"), (1, "/sys/a/c")):
        walks.add(pid, FileCall("stat", path, None, 0.0))
    walks.finish()

    assert sorted(written) == [(1, "/sys/a/c"), (2, "/sys/a/b")]
