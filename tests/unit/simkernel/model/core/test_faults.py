"""Failures at the n-th write."""

from __future__ import annotations

from errno import EIO

from simkernel.model.core.faults import Fault, Faults
from tests.bench import NIC, bench, refusal_of


def test_failures_are_those_of_the_write() -> None:
    """Writes count from 1; several failures may have one write."""
    faults = Faults()
    assert faults.writes == 0
    first = Fault(at_write=2, errno=EIO)
    second = Fault(at_write=2, remove=NIC)
    faults.planned += [first, Fault(at_write=4), second]

    assert [faults.next_write() for _ in range(3)] == [[], [first, second], []]
    assert faults.writes == 3


def test_failure_unplugs_or_refuses_or_both() -> None:
    """The device goes before the write fails."""
    kernel = bench()

    kernel.faults.inject(Fault(at_write=1))
    assert NIC in kernel.pci.devices
    assert refusal_of(
        lambda: kernel.faults.inject(Fault(at_write=1, errno=EIO, remove=NIC))
    ) == (EIO, "R-FAULT-1")
    assert NIC not in kernel.pci.devices
    kernel.faults.inject(Fault(at_write=1, remove=NIC))


def test_kernel_without_hot_plug_ignores_removals() -> None:
    """The failure has nothing to act on."""
    Faults().inject(Fault(at_write=1, remove=NIC))
