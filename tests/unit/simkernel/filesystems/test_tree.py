"""The rules of every file, and failures that a scenario asks for."""

from __future__ import annotations

from errno import EACCES, EIO, ENODEV

import pytest

from simkernel.errors import KernelRefusal
from simkernel.filesystems.node import Attribute, Directory, Link
from simkernel.filesystems.tree import Tree
from simkernel.model.core.faults import Fault, Faults


def _tree(faults: Faults | None = None) -> tuple[Tree, Attribute, list[bytes]]:
    stored: list[bytes] = []
    attribute = Attribute(mode=0o644, show=lambda: b"text\n", store=stored.append)
    return Tree(Directory({"file": lambda: attribute}), faults), attribute, stored


def test_file_without_show_or_store_is_eio() -> None:
    """What cannot be read or written says so by EIO."""
    tree, _, _ = _tree()
    mute = Attribute(mode=0o644)

    for call in (lambda: tree.read(mute), lambda: tree.write(mute, b"x")):
        with pytest.raises(KernelRefusal) as refusal:
            call()
        assert refusal.value.errno == EIO


def test_nothing_is_no_write() -> None:
    """Zero bytes do not reach the store, nor count as a write."""
    tree, attribute, stored = _tree()

    assert tree.write(attribute, b"") == 0
    assert stored == []
    assert tree.faults.writes == 0


def test_write_is_cut_to_a_page() -> None:
    """The store gets 4096 bytes at most, and the writer hears how many."""
    tree, attribute, stored = _tree()

    assert tree.write(attribute, b"x" * 5000) == 4096
    assert stored == [b"x" * 4096]


def test_mode_bits_bind_root_too() -> None:
    """A write-only file is not opened for reading, whoever asks."""
    tree, _, _ = _tree()
    write_only = Attribute(mode=0o200, store=lambda data: None)

    tree.check_open(write_only, reads=False, writes=True)
    with pytest.raises(KernelRefusal) as refusal:
        tree.check_open(write_only, reads=True, writes=True)

    assert refusal.value.errno == EACCES


def test_file_of_a_gone_object_is_enodev() -> None:
    """An open file outlives its object and answers ENODEV."""
    tree, attribute, stored = _tree()
    attribute.alive = lambda: False

    for call in (lambda: tree.read(attribute), lambda: tree.write(attribute, b"x")):
        with pytest.raises(KernelRefusal) as refusal:
            call()
        assert refusal.value.errno == ENODEV
    assert stored == []


def test_planned_failure_meets_just_its_write() -> None:
    """The second write is refused; the first and third are carried out."""
    faults = Faults()
    faults.planned = [Fault(at_write=2, errno=EIO)]
    tree, attribute, stored = _tree(faults)

    tree.write(attribute, b"1")
    with pytest.raises(KernelRefusal) as refusal:
        tree.write(attribute, b"2")
    tree.write(attribute, b"3")

    assert (refusal.value.errno, refusal.value.rule) == (EIO, "R-FAULT-1")
    assert stored == [b"1", b"3"]


def test_lookup_does_not_follow_links() -> None:
    """A path through a link leads nowhere; that is the caller's to follow."""
    tree = Tree(Directory({"link": lambda: Link("elsewhere")}))

    assert isinstance(tree.lookup("/link"), Link)
    assert tree.lookup("/link/file") is None
