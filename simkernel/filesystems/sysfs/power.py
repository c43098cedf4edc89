"""``power/`` of a device: runtime power management.

Source of the whole: drivers/base/power/sysfs.c.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from errno import EINVAL

from simkernel.errors import KernelRefusal
from simkernel.filesystems.node import Attribute, Directory

__all__ = ["power"]


def power(
    settings: MutableMapping[str, str],
    name: str,
    default: str,
    alive: Callable[[], bool] = lambda: True,
) -> Directory:
    """Return the directory ``power/``.

    :param settings: keeps the written word, under ``name``.
    :param default: ``on`` (never suspended) or ``auto`` (suspended when idle).
    :param alive: tells whether the device still exists.

    Source: drivers/base/power/sysfs.c control_store(). Rule: R-PCI-7.
    """

    def store(data: bytes) -> None:
        word = data.split(b"\0", 1)[0].removesuffix(b"\n")
        if word not in (b"on", b"auto"):
            raise KernelRefusal(EINVAL, "R-PCI-7")
        settings[name] = word.decode()

    control = Attribute(
        mode=0o644,
        show=lambda: f"{settings.get(name, default)}\n".encode(),
        store=store,
        alive=alive,
    )
    return Directory({"control": lambda: control})
