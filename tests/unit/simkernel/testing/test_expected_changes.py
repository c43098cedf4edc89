"""Expected changes of the trees, and the messages if they differ."""

from __future__ import annotations

import pytest

from simkernel.testing.expected_changes import unexpected_changes
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
    """Through links, by the last component of a link, pattern or directory."""
    assert unexpected_changes(BEFORE, AFTER, expected) == ""


def test_what_is_ignored_may_change() -> None:
    """Ignored paths need not change."""
    expected = {f"{REAL}/driver": "vfio-pci", f"{REAL}/driver_override": ...}

    assert unexpected_changes(BEFORE, AFTER, expected, ["/dev/*", "/proc/*"]) == ""


def test_change_that_nobody_expected_is_shown_as_difference() -> None:
    """The diff shows only unexpected changes."""
    expected = {path: FULL[path] for path in FULL if path != "/dev/vfio/"}

    assert unexpected_changes(BEFORE, AFTER, expected).splitlines() == [
        "changed, but not expected:",
        "--- before",
        "+++ after",
        "@@ /dev @@",
        "+vfio/ (and 1 below it)",
    ]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({f"{LINK}/driver": "mlx5"}, "it has '-> ../../bus/pci/drivers/vfio-pci'"),
        ({f"{LINK}/numa_node": "0"}, "it has '-1\\n', and did not change"),
        ({f"{LINK}/numa_node": "-1"}, "it has '-1\\n', and did not change"),
        ({f"{LINK}/nosuch": "x"}, "it does not exist, and did not change"),
        ({f"{LINK}/driver_overide": "x"}, "did you mean driver_override?"),
        ({"/proc/modules": ...}, "unchanged"),
        ({f"{LINK}/driver": None}, f"expected to be gone: {REAL}/driver"),
        ({"/dev/vfio/": None}, "expected to be gone: /dev/vfio/"),
    ],
)
def test_expectation_that_is_not_met_is_named(
    wrong: dict[str, object], reason: str
) -> None:
    """The message has the actual content."""
    text = unexpected_changes(BEFORE, AFTER, FULL | wrong)

    assert text.startswith("expected, but missing:\n")
    assert reason in text


def test_what_is_gone_is_none() -> None:
    """A path that existed, and a whole directory."""
    expected = {
        f"{LINK}/driver": "nic",
        f"{LINK}/driver_override": "(null)",
        "/dev/vfio/": None,
    }

    assert unexpected_changes(AFTER, BEFORE, expected) == ""
