"""Snapshots of a tree and their diffs."""

from __future__ import annotations

from simkernel.testing.snapshot import Snapshot, describe

DEVICE = "/sys/devices/pci0000:00/0000:01:00.0"


def test_difference_has_a_part_for_each_directory() -> None:
    """Links and files of one or more lines are readable."""
    before = Snapshot(
        {
            f"{DEVICE}/driver": "-> ../../../bus/pci/drivers/nic",
            f"{DEVICE}/driver_override": "(null)\n",
            f"{DEVICE}/uevent": "DRIVER=nic\nPCI_ID=1\n",
            f"{DEVICE}/vendor": "0x15b3\n",
            "/proc/modules": "nic 1\n",
        }
    )
    after = Snapshot(
        {
            f"{DEVICE}/driver_override": "vfio-pci\n",
            f"{DEVICE}/uevent": "PCI_ID=1\n",
            f"{DEVICE}/vendor": "0x15b3\n",
            "/proc/modules": "vfio 1\nnic 1\n",
        }
    )

    assert before.diff(after) == (
        "--- before\n"
        "+++ after\n"
        "@@ /proc @@\n"
        " modules:\n"
        "+    vfio 1\n"
        f"@@ {DEVICE} @@\n"
        "-driver -> ../../../bus/pci/drivers/nic\n"
        "-driver_override: (null)\n"
        "+driver_override: vfio-pci\n"
        " uevent:\n"
        "-    DRIVER=nic"
    )


def test_directory_that_came_is_one_line() -> None:
    """Paths below it are counted, not listed."""
    before = Snapshot({"/dev/null": "x", "/dev/vfio-other": "y"})
    after = Snapshot(
        {"/dev/null": "x", "/dev/vfio-other": "z", "/dev/vfio/": "", "/dev/vfio/2": "n"}
    )

    assert before.diff(after).splitlines()[2:] == [
        "@@ /dev @@",
        "-vfio-other: y",
        "+vfio-other: z",
        "+vfio/ (and 1 below it)",
    ]


def test_equal_snapshots_have_no_difference() -> None:
    """Equal snapshots give an empty text."""
    assert Snapshot({"/a": "1"}).diff(Snapshot({"/a": "1"})) == ""


def test_comparison_shows_the_older_one_first_whichever_side_it_is_on() -> None:
    """Minus is the older one, also in ``after == before``."""
    before, after = Snapshot({"/a/x": "1"}), Snapshot({"/a/x": "2"})

    assert describe(after, before) == describe(before, after)
    assert describe(after, before)[-2:] == ["-x: 1", "+x: 2"]


def test_path_through_links_is_found() -> None:
    """Links are resolved except the last component."""
    tree = Snapshot(
        {
            "/sys/bus/pci/devices/d": "-> ../../../devices/pci/d",
            "/sys/devices/pci/d/": "",
            "/sys/devices/pci/d/driver": "-> ../../../bus/pci/drivers/nic",
        }
    )

    assert tree.real("/sys/bus/pci/devices/d/driver") == "/sys/devices/pci/d/driver"
    assert tree.real("/sys/bus/pci/devices/d/driver/bind") == (
        "/sys/bus/pci/drivers/nic/bind"
    )
