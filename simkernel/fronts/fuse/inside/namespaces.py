"""Namespaces of one's own, with every user mapped that can be."""

from __future__ import annotations

import os

from simkernel.fronts.fuse.inside import syscalls

__all__ = ["enter_user_namespace"]


def enter_user_namespace(also: int = 0) -> None:
    """Move this process into a user namespace, and be root there.

    Root keeps every id; an ordinary user's own becomes 0, and there is no other.

    :param also: further namespaces, flags of ``unshare(2)``; they belong to the new
        user namespace.
    :raises OSError: the kernel does not allow it.

    Source: kernel/user_namespace.c new_idmap_permitted().
    """
    maps = _maps()
    start_reading, start_writing = os.pipe()
    process = os.getpid()
    helper = os.fork()  # who writes the maps must be in the namespace above
    if helper == 0:
        os.close(start_writing)
        os._exit(_write_when_told(start_reading, process, maps))
    os.close(start_reading)
    try:
        syscalls.unshare(syscalls.NEW_USER | also)
        os.write(start_writing, b"x")
    finally:
        os.close(start_writing)
        status = os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1])
    if status:
        raise OSError(status, os.strerror(status), "uid_map")


def _maps() -> dict[str, str]:
    """Return what to write, by file below ``/proc/PID``."""
    if os.geteuid() == 0:
        return {name: _identity(name) for name in ("uid_map", "gid_map")}
    return {
        "setgroups": "deny",
        "uid_map": f"0 {os.geteuid()} 1\n",
        "gid_map": f"0 {os.getegid()} 1\n",
    }


def _identity(name: str) -> str:
    """Return the map that leaves each id as it is here."""
    with open(f"/proc/self/{name}") as lines:
        rows = [line.split() for line in lines]
    return "".join(f"{inside} {inside} {count}\n" for inside, _, count in rows)


def _write_when_told(start: int, process: int, maps: dict[str, str]) -> int:
    """Write the maps of a process once it is in its namespace; return an errno."""
    try:
        if os.read(start, 1):
            for name, text in maps.items():
                with open(f"/proc/{process}/{name}", "w") as stream:
                    stream.write(text)
    except OSError as error:
        return error.errno or 255
    return 0
