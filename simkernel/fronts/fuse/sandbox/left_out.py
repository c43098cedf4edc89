"""Find the parts of a host that programs on the fuse tier do not see."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from simkernel.host.host import Host

__all__ = ["left_out"]


def left_out(host: Host) -> Iterator[str]:
    """Yield the parts that programs do not see, one line for each key."""
    added = host.added
    reasons = {
        "addresses": "programs see the interfaces of their network namespace",
        "processes[].sockets": "inode numbers cannot be chosen",
        "nodes[].claimed": "device nodes cannot be opened",
    }
    found: dict[str, Iterable[str]] = {
        "addresses": (one.address for one in added.addresses),
        "processes[].sockets": (str(one.pid) for one in added.processes if one.sockets),
        "nodes[].claimed": (
            path for path, node in added.devices.items() if node.is_claimed
        ),
        "files": filter(_is_hidden_file, host.files),
        "links": filter(_is_in_proc_or_dev, host.links),
        "directories": filter(_is_in_proc_or_dev, added.directories),
    }
    for key, names in found.items():
        if text := ", ".join(names):
            reason = reasons.get(key, "there is no mount point for them")
            yield f"not on the fuse tier: {key} ({text}): {reason}"


def _is_in_proc_or_dev(path: str) -> bool:
    return path.startswith(("/proc/", "/dev/"))


def _is_hidden_file(path: str) -> bool:
    """Tell whether a file is in ``/proc``, and the machine does not have it.

    ``/proc/self`` and ``/proc/net`` are of the process that looks. A file in
    ``/proc/self`` is mounted for process 1 only, which shows the mounts of the host.
    """
    if path.startswith("/proc/self/"):
        return not os.path.exists(path)
    is_absent = path.startswith("/proc/net/") or not os.path.exists(path)
    return path.startswith("/proc/") and is_absent
