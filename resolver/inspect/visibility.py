"""Parts of a host that resolver cannot see from where it runs. Only reads.

Source: pid_namespaces(7), network_namespaces(7); proc(5), ``hidepid`` and ``subset``;
ptrace(2), "Ptrace access mode checking".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from resolver.linux import Host

__all__ = ["Unseen", "processes_are_visible", "unseen"]

_HIDING = frozenset({"hidepid", "subset"})
"""Options of a mounted ``/proc`` that leave out processes of other users, or files."""
_HARMLESS = frozenset({"hidepid=0", "hidepid=off"})


class Unseen(NamedTuple):
    """A part of the host that is not visible."""

    id: Literal["processes", "open-files", "interfaces"]
    text: str


def unseen(host: Host) -> tuple[Unseen, ...]:
    """Return what is not visible, and so cannot count as a use of a device."""
    return tuple(_unseen(host))


def processes_are_visible(host: Host) -> bool:
    """Return whether the open files of every process are readable.

    Users other than root never see them all, and they can change nothing.
    """
    if host.hides("processes"):
        return False
    return not host.is_root() or not host.open_files().hidden


def _unseen(host: Host) -> Iterator[Unseen]:
    if host.hides("processes"):
        yield Unseen(
            "processes",
            "processes and mounts of the host are not visible from this container",
        )
    elif host.is_live and not host.is_readable(f"{host.proc}/1/fd"):
        yield Unseen("open-files", "open files of other users' processes are hidden")
    elif host.is_live and not host.is_root() and _proc_hides(host):
        yield Unseen("processes", "processes of other users are not visible in /proc")
    if host.hides("interfaces"):
        yield Unseen(
            "interfaces",
            "network interfaces of the host may be hidden from this namespace",
        )


def _proc_hides(host: Host) -> bool:
    for line in host.text(f"{host.proc}/self/mountinfo").splitlines():
        words = line.split(" ")
        if (
            len(words) > 9
            and words[4] == "/proc"
            and "proc" in words[words.index("-") :]
        ):
            options = words[-1].split(",")
            return any(
                one.partition("=")[0] in _HIDING and one not in _HARMLESS
                for one in options
            )
    return False
