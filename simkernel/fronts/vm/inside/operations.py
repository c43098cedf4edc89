"""Operations on the guest's kernel and file systems.

An operation is a mapping with ``op`` and its parameters. Its answer has ``errno``, 0
on success, and ``value``: the text read or the number of bytes written.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from simkernel.fronts.vm.inside import syscalls
from simkernel.fronts.vm.inside.module_files import dependencies, file_of, set_unlisted

__all__ = ["perform"]

_SIMPCI = "/sys/kernel/simpci/cmd"
_FILES = "/run/simkernel/files"

_plugged: dict[str, str] = {}
"""Command that created each synthetic function, by address; plugs it in again."""


def perform(operation: dict[str, Any]) -> dict[str, Any]:
    """Run an operation and return its answer."""
    try:
        value = _OPERATIONS[operation["op"]](operation)
    except OSError as error:
        return {"errno": error.errno, "value": None}
    return {"errno": 0, "value": value}


def _write(operation: dict[str, Any]) -> int:
    """Write bytes with one system call."""
    file = os.open(operation["path"], os.O_WRONLY | os.O_CLOEXEC)
    try:
        return os.write(file, operation["data"].encode("latin-1"))
    finally:
        os.close(file)


def _read(operation: dict[str, Any]) -> str:
    with open(operation["path"], "rb", buffering=0) as file:
        return file.read().decode("latin-1")


def _load(operation: dict[str, Any]) -> None:
    """Load a module. With ``needed``, load its dependencies first, and skip loaded
    ones.
    """
    name, needed = operation["module"], bool(operation.get("needed"))
    for path in dependencies(name) if needed else ():
        _load_file(path, "", only_new=True)
    parameters = operation.get("parameters", "")
    _load_file(file_of(name), parameters, only_new=needed)


def _load_file(path: str, parameters: str, *, only_new: bool = False) -> None:
    try:
        syscalls.finit_module(path, parameters)
    except FileExistsError:
        if not only_new:
            raise


def _unload(operation: dict[str, Any]) -> None:
    syscalls.delete_module(operation["module"])


def _insert(operation: dict[str, Any]) -> None:
    """Load a module from any path, unless it is loaded."""
    _load_file(operation["path"], operation.get("parameters", ""), only_new=True)


def _command(line: str) -> None:
    _write({"path": _SIMPCI, "data": line})


def _define(operation: dict[str, Any]) -> None:
    """Have simpci create a function, and remember the command."""
    _command(operation["line"])
    _plugged[operation["address"]] = operation["line"]


def _plug(operation: dict[str, Any]) -> None:
    line = _plugged.get(operation["address"])
    if line is None:
        raise FileNotFoundError(2, "no function was defined at this address")
    _command(line)


def _unplug(operation: dict[str, Any]) -> None:
    _command(f"del {operation['address']}")


def _share(operation: dict[str, Any]) -> None:
    """Mount a host folder that QEMU exports under a tag."""
    os.makedirs(operation["path"], exist_ok=True)
    options = "version=9p2000.L,trans=virtio,access=any,msize=524288,cache=mmap"
    syscalls.mount("9p", operation["tag"], operation["path"], options)


def _bind(operation: dict[str, Any]) -> None:
    os.makedirs(operation["path"], exist_ok=True)
    syscalls.bind(operation["source"], operation["path"])


def _folder(operation: dict[str, Any]) -> None:
    """Mount a tmpfs with the given files over a folder."""
    path = operation["path"]
    os.makedirs(path, exist_ok=True)
    syscalls.mount("tmpfs", "simkernel", path, "mode=755")
    for name, text in operation["files"].items():
        with open(f"{path}/{name}", "wb") as file:
            file.write(text.encode())


def _file(operation: dict[str, Any]) -> None:
    """Bind-mount a file with the given text over a path."""
    path = operation["path"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.makedirs(_FILES, exist_ok=True)
    source = f"{_FILES}/{len(os.listdir(_FILES))}"
    with open(source, "wb") as file:
        file.write(operation["text"].encode())
    with open(path, "ab"):
        pass
    syscalls.bind(source, path)


def _unlisted(operation: dict[str, Any]) -> None:
    set_unlisted(operation["files"])


def _unmount(operation: dict[str, Any]) -> None:
    syscalls.unmount(operation["path"])


_OPERATIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "bind": _bind,
    "define": _define,
    "file": _file,
    "folder": _folder,
    "insert": _insert,
    "load": _load,
    "plug": _plug,
    "read": _read,
    "share": _share,
    "unlisted": _unlisted,
    "unload": _unload,
    "unmount": _unmount,
    "unplug": _unplug,
    "write": _write,
}
