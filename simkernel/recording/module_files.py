"""Names of drivers from the files of modules that are not loaded."""

from __future__ import annotations

from simkernel.errors import UsageError
from simkernel.recording.host import HostFiles
from simkernel.recording.modules import Modules
from simkernel.trial.drivers import driver_names
from simkernel.trial.packing import unpacked

__all__ = ["names_in_file"]

_SUFFIXES = ("", ".xz", ".zst", ".gz")
_KNOWN = {"vfio_pci": "vfio-pci"}
"""Drivers of the kernel's own modules that are not called as these."""


def names_in_file(host: HostFiles, modules: Modules, name: str) -> tuple[str, ...]:
    """Return the names of the drivers that a module will register.

    Where its file does not show them, or what reads it is not installed, it is the
    module's own name, as most drivers have it.
    """
    path = modules.rows.get(name, ("", ()))[0]
    for suffix in _SUFFIXES if path else ():
        data = host.data(f"{modules.folder}/{path}{suffix}")
        if data is None:
            continue
        try:
            found = driver_names(unpacked(data, path), path)
        except UsageError:
            break
        if found:
            return found
    return (_KNOWN.get(name, name),)
