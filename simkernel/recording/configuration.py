"""Record the module configuration of a host anonymously."""

from __future__ import annotations

import re
from collections.abc import Collection

from simkernel.recording.host_files import HostReader

__all__ = ["command_line", "modprobe_files", "public"]

_FOLDERS = (
    "/etc/modprobe.d",
    "/run/modprobe.d",
    "/usr/local/lib/modprobe.d",
    "/lib/modprobe.d",
)
"""Directories of modprobe; the first file of a name wins. Source: modprobe.d(5)"""
_MAC = re.compile(r"(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![:-])")
_NO_MAC = "00:00:00:00:00:00"
_WORDS = frozenset(
    {
        *("amd_iommu", "intel_iommu", "iommu", "iommu.passthrough", "iommu.strict"),
        *("lockdown", "module_blacklist", "modprobe.blacklist", "pci"),
    }
)
"""Kernel parameters that affect VFIO."""


def command_line(host: HostReader, modules: Collection[str]) -> str:
    """Return the kernel parameters for VFIO or a module.

    :param modules: names of the recorded modules.
    """
    kept = []
    for word in host.text("/proc/cmdline").split():
        key = word.partition("=")[0]
        owner = key.partition(".")[0].replace("-", "_")
        if key in _WORDS or ("." in key and owner in modules):
            kept.append(public(host, word))
    return " ".join(kept)


def modprobe_files(host: HostReader, modules: Collection[str]) -> dict[str, str]:
    """Return path and text of each relevant modprobe file.

    Other lines and comments become empty lines, so that line numbers stay the same.
    """
    found: dict[str, str] = {}
    for folder in _FOLDERS:
        for name in host.names(folder):
            if name.endswith(".conf") and not any(
                one.rpartition("/")[2] == name for one in found
            ):
                found[f"{folder}/{name}"] = _kept(host, f"{folder}/{name}", modules)
    return {path: text for path, text in found.items() if text}


def _kept(host: HostReader, path: str, modules: Collection[str]) -> str:
    lines: list[str] = []
    is_kept = goes_on = False
    for line in host.lines(path):
        words = line.split()
        if not goes_on:
            names = {one.replace("-", "_") for one in words[1:3]}
            is_kept = not line.lstrip().startswith("#") and bool(names & {*modules})
        goes_on = line.endswith("\\")
        lines.append(public(host, line) if is_kept else "")
    return "\n".join(lines).rstrip("\n") + "\n" if any(lines) else ""


def public(host: HostReader, text: str) -> str:
    """Return a text without MAC addresses and the host's name."""
    text = _MAC.sub(_NO_MAC, text)
    name = host.name()
    if len(name) < 2:
        return text
    return re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "host", text)
