"""Check the permissions of the device nodes of VFIO.

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator

from resolver.doctor.facts import Facts, Node
from resolver.doctor.finding import Finding

__all__ = ["check"]

_CONTAINER = "/dev/vfio/vfio"
_OTHERS = 0o006


def check(facts: Facts) -> Iterator[Finding]:
    """Yield nodes with too few or too many permissions.

    Every user may open the container, which alone gives no access to a device. Only
    root may open the nodes of groups and devices, until their owner is changed.

    Source: Linux, drivers/vfio/container.c, ``vfio_dev``;
    Documentation/driver-api/vfio.rst.
    """
    container = [one for one in facts.nodes if one.path.endswith(_CONTAINER)]
    devices = [one for one in facts.nodes if not one.path.endswith(_CONTAINER)]
    for node in container:
        if node.mode & _OTHERS != _OTHERS:
            yield _closed_container(node)
    if opened := [node for node in devices if node.mode & _OTHERS]:
        yield _open_to_all(opened)
    closed = [n for n in devices if not n.uid and not n.gid and n.mode & 0o077 == 0]
    if closed and not facts.node_rules:
        yield _only_for_root(closed)


def _closed_container(node: Node) -> Finding:
    return Finding(
        id="container-closed",
        severity="warning",
        message=f"{node.path} has mode {node.mode:04o}: programs of other users cannot "
        "use VFIO groups",
        advice=(
            f"run `chmod 0666 {node.path}`, and correct the udev rule that changed it",
        ),
    )


def _open_to_all(nodes: list[Node]) -> Finding:
    return Finding(
        id="node-open-to-all",
        severity="warning",
        message=f"every user may open {_list(nodes)}, and control a device with it",
        advice=(
            "run `chmod o=` on these files, and correct the udev rule that changed "
            "them",
        ),
    )


def _only_for_root(nodes: list[Node]) -> Finding:
    return Finding(
        id="node-of-root",
        severity="note",
        message=f"only root may open {_list(nodes)}",
        advice=(
            "run `resolver bind --uid USER DEVICE` or `--gid GROUP` to set the owner "
            "of a device's nodes",
            "or run `groupadd --system vfio` and add a file to /etc/udev/rules.d with "
            'SUBSYSTEM=="vfio", GROUP="vfio", MODE="0660", for all devices',
        ),
    )


def _list(nodes: list[Node]) -> str:
    return ", ".join(node.path for node in nodes)
