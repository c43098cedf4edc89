"""Hosts to draw."""

from __future__ import annotations

from simkernel.drawing.topology import Topology, topology
from tests.bench import device, host_of

__all__ = ["EMPTY", "NAMES", "nic"]

EMPTY = Topology(release="6.1.0", devices=(), drivers=(), modules=())
NAMES = b'<a> & "b" \\ \x01'
"""A driver_override that a drawing has to escape."""


def nic(vfs: int = 2) -> Topology:
    """Return a host with a function on vfio-pci, and one with an override."""
    kernel = host_of("mlx5_vfio_pci", vfs=vfs).kernel
    for name in ("vfio", "irqbypass", "vfio_pci_core", "vfio_pci"):
        kernel.modules.load(name)
    first, second = (device(kernel, f"0000:3b:00.{n}") for n in (2, 3))
    kernel.pci.release(first)
    first.driver_override = b"vfio-pci"
    kernel.pci.attach_device(first)
    second.driver_override = b"vfio-pci"
    return topology(kernel)
