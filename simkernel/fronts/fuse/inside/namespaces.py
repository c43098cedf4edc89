"""User namespaces that map as many ids as possible."""

from __future__ import annotations

import os

from simkernel.fronts.fuse.inside import syscalls

__all__ = ["enter_user_namespace"]


def enter_user_namespace(extra_flags: int = 0) -> None:
    """Move this process into a new user namespace, as root of it.

    For root, every id stays the same. For an ordinary user, their id becomes 0, and no
    other id is mapped.

    :param extra_flags: flags of ``unshare(2)`` for further namespaces, owned by the new
        user namespace.
    :raises OSError: the kernel does not allow it.

    Source: kernel/user_namespace.c new_idmap_permitted().
    """
    maps = _maps()
    start_reading, start_writing = os.pipe()
    process = os.getpid()
    helper = os.fork()  # the maps must be written from the parent namespace
    if helper == 0:
        os.close(start_writing)
        os._exit(_write_maps(start_reading, process, maps))
    os.close(start_reading)
    try:
        syscalls.unshare(syscalls.NEW_USER | extra_flags)
        os.write(start_writing, b"x")
    finally:
        os.close(start_writing)
        status = os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1])
    if status:
        raise OSError(status, os.strerror(status), "uid_map")


def _maps() -> dict[str, str]:
    """Return the maps by file name in ``/proc/PID``."""
    if os.geteuid() == 0:
        return {name: _identity_map(name) for name in ("uid_map", "gid_map")}
    return {
        "setgroups": "deny",
        "uid_map": f"0 {os.geteuid()} 1\n",
        "gid_map": f"0 {os.getegid()} 1\n",
    }


def _identity_map(name: str) -> str:
    """Return the map that keeps each id of this namespace."""
    with open(f"/proc/self/{name}") as lines:
        rows = [line.split() for line in lines]
    return "".join(f"{inside} {inside} {count}\n" for inside, _, count in rows)


def _write_maps(start: int, process: int, maps: dict[str, str]) -> int:
    """Wait for the start, write the maps, return an errno."""
    try:
        if os.read(start, 1):
            for name, text in maps.items():
                with open(f"/proc/{process}/{name}", "w") as stream:
                    stream.write(text)
    except OSError as error:
        return error.errno or 255
    return 0
