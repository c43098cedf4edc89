"""What a test may expect of a tree, and what it is told if that is not so."""

from __future__ import annotations

import pytest

from simkernel.testing.expectation import complaint
from simkernel.testing.snapshot import Snapshot

LINK = "/sys/bus/pci/devices/d"
REAL = "/sys/devices/d"
BEFORE = Snapshot(
    {
        LINK: "-> ../../../devices/d",
        f"{REAL}/": "",
        f"{REAL}/driver": "-> ../../bus/pci/drivers/nic",
        f"{REAL}/numa_node": "-1\n",
        f"{REAL}/driver_override": "(null)\n",
        "/proc/modules": "nic 1\n",
    }
)
AFTER = Snapshot(
    BEFORE
    | {
        f"{REAL}/driver": "-> ../../bus/pci/drivers/vfio-pci",
        f"{REAL}/driver_override": "vfio-pci\n",
        "/dev/vfio/": "",
        "/dev/vfio/2": "character device 0600",
    }
)
FULL = {
    f"{LINK}/driver": "vfio-pci",
    f"{LINK}/driver_override": "vfio-pci",
    "/dev/vfio/": ...,
}


@pytest.mark.parametrize(
    "expected",
    [
        FULL,
        FULL | {f"{LINK}/driver": "-> ../../bus/pci/drivers/vfio-pci"},
        FULL | {f"{LINK}/driver": ...},
        {f"{LINK}/driver*": ..., "/dev/vfio/": ...},
        {"/sys/*": ..., "/dev/vfio*": ...},
    ],
)
def test_expected_changes_are_no_complaint(expected: dict[str, object]) -> None:
    """Through links, by the last name of a link, by pattern, by directory."""
    assert complaint(BEFORE, AFTER, expected) == ""


def test_what_is_ignored_may_change() -> None:
    """And need not."""
    expected = {f"{REAL}/driver": "vfio-pci", f"{REAL}/driver_override": ...}

    assert complaint(BEFORE, AFTER, expected, ["/dev/*", "/proc/*"]) == ""


def test_change_that_nobody_expected_is_shown_as_difference() -> None:
    """Only what is not expected is in it."""
    expected = {path: FULL[path] for path in FULL if path != "/dev/vfio/"}

    assert complaint(BEFORE, AFTER, expected).splitlines() == [
        "changed, but not expected:",
        "--- before",
        "+++ after",
        "@@ /dev @@",
        "+vfio/ (and 1 below it)",
    ]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({f"{LINK}/driver": "mlx5"}, "it holds '-> ../../bus/pci/drivers/vfio-pci'"),
        ({f"{LINK}/numa_node": "0"}, "it holds '-1\\n', and did not change"),
        ({f"{LINK}/numa_node": "-1"}, "it holds '-1\\n', and did not change"),
        ({f"{LINK}/nosuch": "x"}, "it is not there, and did not change"),
        ({"/proc/modules": ...}, "nothing changed there"),
        ({f"{LINK}/driver": None}, f"gone: {REAL}/driver is there"),
        ({"/dev/vfio/": None}, "gone: /dev/vfio/ is there"),
    ],
)
def test_expectation_that_is_not_met_is_named(
    wrong: dict[str, object], reason: str
) -> None:
    """With what is there instead."""
    text = complaint(BEFORE, AFTER, FULL | wrong)

    assert text.startswith("expected, but not so:\n")
    assert reason in text


def test_what_is_gone_is_none() -> None:
    """A path that was there, and a whole directory."""
    expected = {
        f"{LINK}/driver": "nic",
        f"{LINK}/driver_override": "(null)",
        "/dev/vfio/": None,
    }

    assert complaint(AFTER, BEFORE, expected) == ""
