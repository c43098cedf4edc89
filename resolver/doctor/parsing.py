"""Parse the files that describe a host.

Pure: content of files in, values out.
"""

from __future__ import annotations

import re

__all__ = [
    "active_lockdown",
    "is_secure_boot",
    "kernel_settings",
    "mentions_vfio",
]

_NOT_SET = re.compile(r"# CONFIG_(\w+) is not set")


def kernel_settings(data: bytes) -> dict[str, str]:
    """Return the options of a kernel configuration, without ``CONFIG_``.

    :param data: content of ``/boot/config-<release>``, or of ``/proc/config.gz``
        unpacked.
    """
    found = {}
    for line in data.decode("utf-8", "replace").splitlines():
        if off := _NOT_SET.fullmatch(line):
            found[off.group(1)] = "n"
        elif line.startswith("CONFIG_"):
            name, _, value = line.removeprefix("CONFIG_").partition("=")
            found[name] = value
    return found


def active_lockdown(text: str) -> str:
    """Return the lockdown level; empty if not locked down.

    :param text: of ``/sys/kernel/security/lockdown``: ``none [integrity] ...``.
    :return: ``integrity``, ``confidentiality`` or empty.

    Source: Linux, security/lockdown/lockdown.c, lockdown_read().
    """
    active = next((word for word in text.split() if word.startswith("[")), "")
    return active.strip("[]").removeprefix("none")


def is_secure_boot(data: bytes | None) -> bool | None:
    """Return whether Secure Boot is on; ``None`` if unknown.

    :param data: content of the variable ``SecureBoot`` in efivarfs.

    Source: Documentation/filesystems/efivarfs.rst: four bytes of attributes, then
    the value.
    """
    return bool(data[4]) if data is not None and len(data) == 5 else None


def mentions_vfio(data: bytes) -> bool:
    """Return whether udev rules grant access to VFIO nodes."""
    lines = data.decode("utf-8", "replace").splitlines()
    return any("vfio" in line and _grants(line) for line in lines if line[:1] != "#")


def _grants(line: str) -> bool:
    return re.search(r"\b(GROUP|MODE|OWNER)\s*[:+]?=(?!=)|uaccess", line) is not None
