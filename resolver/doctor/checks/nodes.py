"""Who may open the device nodes of VFIO?

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
    """Yield who may open what.

    The container is for everyone, because nothing can be had with it alone; the
    nodes of groups and devices are root's until somebody hands them over.

    Source: Linux, drivers/vfio/container.c, ``vfio_dev``;
    Documentation/driver-api/vfio.rst.
    """
    container = [one for one in facts.nodes if one.path.endswith(_CONTAINER)]
    devices = [one for one in facts.nodes if not one.path.endswith(_CONTAINER)]
    for node in container:
        if node.mode & _OTHERS != _OTHERS:
            yield Finding(
                id="container-closed",
                severity="warning",
                message=f"{_shown(node)}: only some users may open it, but every "
                "program that uses VFIO groups must",
                advice=(f"chmod 0666 {node.path}, and mend the udev rule that did it",),
            )
    if opened := [node for node in devices if node.mode & _OTHERS]:
        yield Finding(
            id="node-open-to-all",
            severity="warning",
            message="every user may open "
            f"{_list(opened)}, and with it control a device",
            advice=("chmod o= those files, and mend the udev rule that did it",),
        )
    closed = [n for n in devices if not n.uid and not n.gid and n.mode & 0o077 == 0]
    if closed and not facts.node_rules:
        yield Finding(
            id="node-of-root",
            severity="note",
            message=f"only root may open {_list(closed)}",
            advice=(
                "resolver bind --uid USER or --gid GROUP hands the nodes of a device "
                "over",
                'or a file in /etc/udev/rules.d with SUBSYSTEM=="vfio", '
                'GROUP="vfio", MODE="0660" does so for all, once there is a group '
                "vfio (groupadd --system vfio)",
            ),
        )


def _shown(node: Node) -> str:
    return f"{node.path} has mode {node.mode:04o}"


def _list(nodes: list[Node]) -> str:
    return ", ".join(node.path for node in nodes)
