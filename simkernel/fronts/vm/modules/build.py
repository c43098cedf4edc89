"""Builds out-of-tree modules with the kernel's own build system."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from simkernel.errors import SimkernelError
from simkernel.fronts.vm.machine.installed_kernel import (
    InstalledKernel,
    require_programs,
)
from simkernel.fronts.vm.modules.cache import cached, fingerprint, write_files

__all__ = ["BuildError", "keep_only", "kernel_parts", "make_modules", "simpci"]

_QUIET = ("CONFIG_DEBUG_INFO=", "CONFIG_DEBUG_INFO_BTF_MODULES=")
"""Build without debug information: it takes most of the time."""
_SHOWN_LINES = 15


class BuildError(SimkernelError):
    """A module does not build for a kernel."""


def kernel_parts(kernel: InstalledKernel) -> list[str | bytes | Path]:
    """Return the inputs of a build other than its sources."""
    return [kernel.release, kernel.headers / "Module.symvers"]


def simpci(kernel: InstalledKernel) -> Path:
    """Return the module with the synthetic PCI functions, built for a kernel.

    :raises BuildError: the build fails.
    :raises UsageError: a program is missing, or the cache is not writable.
    """
    folder = Path(__file__).parent / "simpci"
    files = {one.name: one.read_bytes() for one in sorted(folder.iterdir())}
    key = fingerprint([*kernel_parts(kernel), *files, *files.values()])

    def make(place: Path) -> None:
        write_files(place, files)
        make_modules(kernel, place)
        keep_only(place, ["simpci.ko"])

    return cached(kernel.release, f"simpci-{key}", make) / "simpci.ko"


def make_modules(
    kernel: InstalledKernel, place: Path, options: Sequence[str] = ()
) -> None:
    """Build the modules that a folder's ``Kbuild`` names.

    Undefined symbols are no error; the caller checks the result.

    :param options: further variables for make.
    :raises BuildError: the build fails; the message has its last lines.
    :raises UsageError: a program is missing.
    """
    require_programs("make", "gcc")
    words: list[str | Path] = ["make", "-s", f"-j{os.cpu_count() or 1}"]
    words += ["-C", kernel.headers]
    words += [f"M={place}", "KBUILD_MODPOST_WARN=1", *_QUIET, *options, "modules"]
    ran = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(os.environ),
        check=False,
    )
    if ran.returncode:
        lines = ran.stdout.decode(errors="replace").splitlines()
        shown = "\n".join(f"    {one}" for one in lines[-_SHOWN_LINES:])
        raise BuildError(
            f"kernel {kernel.release}: cannot build modules in {place}:\n{shown}"
        )


def keep_only(place: Path, names: Iterable[str]) -> None:
    """Remove all files below a folder except the named ones."""
    wanted = set(names)
    for folder, folders, files in os.walk(place, topdown=False):
        for name in files:
            path = Path(folder, name)
            if str(path.relative_to(place)) not in wanted:
                path.unlink()
        for name in folders:
            path = Path(folder, name)
            if not any(path.iterdir()):
                path.rmdir()


def _environment(outside: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables of an outer make."""
    unwanted = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "M", "ARCH")
    return {
        name: value
        for name, value in outside.items()
        if name not in unwanted and not name.startswith("KBUILD_")
    }
