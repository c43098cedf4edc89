"""``/proc``: the files that tools for modules read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from simkernel.filesystems.node import Attribute, Directory, Link, Node
from simkernel.filesystems.sysfs.modules import CORE_SIZE
from simkernel.filesystems.tree import Tree
from simkernel.model.kernel import Kernel

__all__ = ["procfs"]

_FIRST_NAMESPACES = {"net": "net:[4026531840]", "pid": "pid:[4026531836]"}
"""Namespaces of the host: include/uapi/linux/nsfs.h, include/linux/proc_ns.h."""
_CONTAINER_NAMESPACES = {"net": "net:[4026532450]", "pid": "pid:[4026532448]"}


def procfs(kernel: Kernel, *, is_container: bool = False) -> Tree:
    """Return the tree of ``/proc``.

    :param is_container: a reader is in a PID namespace of its own.

    Source: fs/proc/; kernel/utsname_sysctl.c; drivers/char/random.c.
    """

    def file(show: Callable[[], str]) -> Callable[[], Node]:
        return lambda: Attribute(mode=0o444, show=lambda: show().encode(), size=0)

    random = {"boot_id": file(lambda: f"{kernel.boot_id}\n")}
    system_kernel: dict[str, Callable[[], Node]] = {
        "osrelease": file(lambda: f"{kernel.release}\n"),
        "random": lambda: Directory(random),
    }
    namespaces = _CONTAINER_NAMESPACES if is_container else _FIRST_NAMESPACES
    files = {name: partial(_namespace, text) for name, text in namespaces.items()}
    process = {"ns": lambda: Directory(files)}
    processes: dict[str, Callable[[], Node]] = {
        "1": lambda: Directory(process),
        "self": lambda: Directory(process),
    }
    if not is_container:
        kthreadd = {"comm": file(lambda: "kthreadd\n"), "fd": Directory}
        processes["2"] = lambda: Directory(kthreadd)
    return Tree(
        Directory(
            processes
            | {
                "cmdline": file(lambda: f"{kernel.cmdline}\n"),
                "modules": file(lambda: _modules(kernel)),
                "mounts": file(lambda: "sysfs /sys sysfs rw 0 0\n"),
                "sys": lambda: Directory({"kernel": lambda: Directory(system_kernel)}),
            }
        )
    )


def _namespace(text: str) -> Node:
    return Link(text, lambda: Attribute(mode=0o444, size=0))


def _modules(kernel: Kernel) -> str:
    """Return the text of ``/proc/modules``, newest module first.

    Source: kernel/module/procfs.c m_show(). Rule: R-MOD-9.
    """
    lines = []
    for module in reversed(kernel.modules.loaded.values()):
        users = "".join(f"{name}," for name in reversed(module.holders)) or "-"
        taint = f" ({module.taint})" if module.taint else ""
        lines.append(
            f"{module.name} {CORE_SIZE} {module.refcnt} {users} Live "
            f"0x0000000000000000{taint}\n"
        )
    return "".join(lines)
