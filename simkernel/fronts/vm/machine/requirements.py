"""Host programs that a guest needs."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

from simkernel.errors import UsageError

__all__ = ["Tools", "find_tools"]

_PACKAGES = {
    "QEMU": "qemu-system-x86",
    "setpriv": "util-linux",
    "a static busybox": "busybox-static",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Paths of the programs."""

    qemu: str
    setpriv: str
    busybox: str


def find_tools() -> Tools:
    """Return the programs.

    :raises UsageError: some are not installed; the message names all of them.
    """
    found = {
        "QEMU": shutil.which("qemu-system-x86_64"),
        "setpriv": shutil.which("setpriv"),
        "a static busybox": _busybox(),
    }
    missing = [name for name, path in found.items() if path is None]
    if missing or importlib.util.find_spec("virtme") is None:
        raise _not_installed(missing)
    qemu, setpriv, busybox = (path or "" for path in found.values())
    return Tools(qemu=qemu, setpriv=setpriv, busybox=busybox)


def _busybox() -> str | None:
    """Return a statically linked busybox: the guest lacks the host's libraries."""
    for name in ("busybox-static", "busybox.static", "busybox"):
        path = shutil.which(name)
        if path is not None and b"/ld-" not in Path(path).read_bytes()[:4096]:
            return path
    return None


def _not_installed(missing: list[str]) -> UsageError:
    commands = []
    if missing:
        packages = " ".join(_PACKAGES[one] for one in missing)
        commands.append(f"apt-get install {packages}")
    if importlib.util.find_spec("virtme") is None:
        missing = [*missing, "virtme-ng"]
        commands.append("pip install 'simkernel[vm]'")
    return UsageError(
        f"the vm tier requires {', '.join(missing)}",
        hint=f"run {' and '.join(commands)}",
    )
