"""The one walker of simulated trees."""

from __future__ import annotations

from simkernel.filesystems.node import Attribute, Directory, Link, Listing
from simkernel.filesystems.walk import walk

_LEAF = Attribute(mode=0o444)
ROOT = Directory(
    {
        "b": lambda: Directory({"z": lambda: _LEAF, "y": lambda: Link("../a")}),
        "a": lambda: Directory({"deep": lambda: Directory({"x": lambda: _LEAF})}),
        "loop": lambda: Link("."),
    },
    Listing(lambda: ["gone"], lambda name: None),
)


def test_walk_yields_all_below_parents_first() -> None:
    """Names keep the directory's order; links and vanished entries lead nowhere."""
    found = [path for path, _ in walk(ROOT, "/sys")]

    assert found == [
        "/sys/b",
        "/sys/b/z",
        "/sys/b/y",
        "/sys/a",
        "/sys/a/deep",
        "/sys/a/deep/x",
        "/sys/loop",
    ]


def test_walk_in_order() -> None:
    """Names of each directory can be sorted."""
    found = [path for path, _ in walk(ROOT, order=sorted)]

    assert found == ["/a", "/a/deep", "/a/deep/x", "/b", "/b/y", "/b/z", "/loop"]


def test_walk_skips_with_all_below() -> None:
    """A skipped directory is not entered, and its node not made."""
    found = [path for path, _ in walk(ROOT, skip=lambda path: path == "/a")]

    assert found == ["/b", "/b/z", "/b/y", "/loop"]


def test_walk_yields_nodes() -> None:
    """Each path comes with its node."""
    nodes = dict(walk(ROOT))

    assert nodes["/b/z"] is _LEAF
    assert nodes["/loop"] == Link(".")
