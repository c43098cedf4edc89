"""``/dev``: the nodes of VFIO, ``kmsg`` and ``null``."""

from __future__ import annotations

from collections.abc import Callable
from errno import EAGAIN

from simkernel.errors import KernelRefusal
from simkernel.filesystems.node import (
    Attribute,
    DeviceNode,
    Directory,
    Listing,
    Node,
)
from simkernel.filesystems.tree import Tree
from simkernel.model.kernel import Kernel
from simkernel.model.vfio.nodes import CDEV_MAJOR, CONTAINER, GROUP_MAJOR, NodeOwner

__all__ = ["devtmpfs"]


def devtmpfs(kernel: Kernel) -> Tree:
    """Return the tree of ``/dev``.

    Source: drivers/base/devtmpfs.c; drivers/char/mem.c.
    """

    def child(name: str) -> Node | None:
        return _vfio(kernel) if name == "vfio" and kernel.vfio.present else None

    vfio = Listing(lambda: ["vfio"] if kernel.vfio.present else [], child)
    null = DeviceNode(mode=0o666, major=1, minor=3)
    return Tree(Directory({"kmsg": _kmsg, "null": lambda: null}, vfio))


def _kmsg() -> Attribute:
    """Return ``/dev/kmsg``: a reader never finds a new record.

    Source: kernel/printk/printk.c devkmsg_read(). Rule: R-DEV-1.
    """

    def show() -> bytes:
        raise KernelRefusal(EAGAIN, "R-DEV-1")

    return Attribute(mode=0o644, show=show, store=lambda data: None, size=0)


def _vfio(kernel: Kernel) -> Directory:
    """Return ``/dev/vfio``.

    Source: drivers/vfio/group.c, device_cdev.c; observed on 6.12. Rule: R-VFIO-6.
    """
    container: dict[str, Callable[[], Node]] = {
        "vfio": lambda: _node(kernel, "vfio", *CONTAINER, mode=0o666)
    }

    def cdevs() -> list[str]:
        devices = kernel.vfio.devices.values()
        return ["devices"] if any(map(kernel.vfio.has_cdev, devices)) else []

    def group(name: str) -> Node | None:
        number = kernel.vfio.node_names().get(name)
        if number is None:
            return None
        return _node(kernel, name, GROUP_MAJOR, number)

    return Directory(
        container,
        Listing(cdevs, lambda name: _cdevs(kernel) if name in cdevs() else None),
        Listing(kernel.vfio.node_names, group),
    )


def _cdevs(kernel: Kernel) -> Directory:
    def names() -> dict[str, int]:
        return {
            f"vfio{index}": index
            for index, device in kernel.vfio.devices.items()
            if kernel.vfio.has_cdev(device)
        }

    def child(name: str) -> Node | None:
        index = names().get(name)
        if index is None:
            return None
        return _node(kernel, f"devices/{name}", CDEV_MAJOR, index)

    return Directory({}, Listing(names, child))


def _node(
    kernel: Kernel, name: str, major: int, minor: int, *, mode: int = 0o600
) -> DeviceNode:
    """Return a node of VFIO with its current owner.

    :param name: path below ``/dev/vfio``.
    :param mode: permission bits of a new node.

    Source: drivers/base/devtmpfs.c handle_create(). Rule: R-DEV-2.
    """
    number = (major, minor)
    now = kernel.vfio.owners.get(number, NodeOwner(0, 0, mode))

    def set_owner(owner: NodeOwner) -> None:
        kernel.vfio.set_owner(number, f"vfio/{name}", owner)

    return DeviceNode(
        mode=now.mode,
        major=major,
        minor=minor,
        uid=now.uid,
        gid=now.gid,
        set_owner=set_owner,
    )
