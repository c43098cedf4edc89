"""Installed kernels that a guest can boot, and their parts for building modules.

Package names are Debian's.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simkernel.errors import UsageError
from simkernel.suggest import did_you_mean

__all__ = ["InstalledKernel", "find_kernel", "installed_releases", "require_programs"]

_PACKAGES = {
    "depmod": "kmod",
    "gcc": "gcc",
    "make": "make",
    "nm": "binutils",
    "objcopy": "binutils",
    "strip": "binutils",
    "tar": "tar",
    "xz": "xz-utils",
}
"""Programs and the packages that provide them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledKernel:
    """An installed kernel with image, modules and headers; sources are optional."""

    release: str
    """Text that ``uname -r`` prints."""
    image: Path
    """Bootable image."""
    modules: Path
    """Its module directory in ``/lib/modules``."""
    headers: Path
    """Folder of its headers, in which modules are built."""
    sources: Path
    """Source archive of its series."""

    def archive(self) -> Path:
        """Return the path of the source archive.

        :raises UsageError: it is not installed.
        """
        if not self.sources.is_file():
            package = self.sources.name.removesuffix(".tar.xz")
            raise UsageError(
                f"no sources of kernel {self.release} in {self.sources}",
                hint=f"run apt-get install {package}",
            )
        return self.sources


def installed_releases(root: Path = Path("/")) -> list[str]:
    """Return the releases with an installed image, oldest first.

    :param root: directory that is searched; tests set it.
    """
    images = root.glob("boot/vmlinuz-*")
    return sorted((one.name.partition("-")[2] for one in images), key=_version_key)


def find_kernel(
    wanted: str | None = None, *, root: Path = Path("/")
) -> InstalledKernel:
    """Return an installed kernel.

    :param wanted: its release or the beginning: ``6.1`` selects the newest 6.1
        kernel, never 6.12. None: the newest kernel with headers.
    :param root: directory that is searched; tests set it.
    :raises UsageError: no such kernel is installed, or a part of it is missing.
    """
    fitting = [
        one
        for one in installed_releases(root)
        if wanted is None or _is_series(one, wanted)
    ]
    if not fitting:
        raise _not_installed(wanted, installed_releases(root))
    complete = [one for one in fitting if not list(_missing(_kernel(one, root)))]
    kernel = _kernel((complete or fitting)[-1], root)
    missing = list(_missing(kernel))
    if missing:
        paths = ", ".join(str(path) for path, _ in missing)
        packages = " ".join(dict.fromkeys(package for _, package in missing))
        raise UsageError(
            f"kernel {kernel.release} is incomplete: missing {paths}",
            hint=f"run apt-get install {packages}",
        )
    return kernel


def require_programs(*programs: str) -> None:
    """Check that programs are installed.

    :raises UsageError: some are missing; the message names all of them.
    """
    missing = [one for one in programs if shutil.which(one) is None]
    if missing:
        packages = " ".join(dict.fromkeys(_PACKAGES[one] for one in missing))
        raise UsageError(
            f"programs not found in PATH: {', '.join(missing)}",
            hint=f"run apt-get install {packages}",
        )


def _kernel(release: str, root: Path) -> InstalledKernel:
    modules = root / "lib/modules" / release
    series = ".".join(re.findall(r"\d+", release)[:2])
    return InstalledKernel(
        release=release,
        image=root / "boot" / f"vmlinuz-{release}",
        modules=modules,
        headers=modules / "build",
        sources=root / "usr/src" / f"linux-source-{series}.tar.xz",
    )


def _missing(kernel: InstalledKernel) -> Iterator[tuple[Path, str]]:
    """Yield each missing part and its package."""
    if not (kernel.modules / "modules.dep").is_file():
        yield kernel.modules / "modules.dep", f"linux-image-{kernel.release}"
    if not (kernel.headers / "Makefile").is_file():
        yield kernel.headers, f"linux-headers-{kernel.release}"


def _is_series(release: str, wanted: str) -> bool:
    """Whether a release begins with the whole version parts of another text."""
    rest = release.removeprefix(wanted)
    return release.startswith(wanted) and not (rest and rest[0].isalnum())


def _version_key(release: str) -> list[tuple[int, str]]:
    """Return a sort key that orders releases by their numbers."""
    parts = re.findall(r"\d+|\D+", release)
    return [(int(one), "") if one.isdigit() else (-1, one) for one in parts]


def _not_installed(wanted: str | None, known: list[str]) -> UsageError:
    if wanted is None:
        return UsageError(
            "no kernel is installed in /boot",
            hint="run apt-get install linux-image-amd64 linux-headers-amd64",
        )
    names = f" (installed: {', '.join(known)})" if known else ""
    if wanted.count("-"):
        hint = f"run apt-get install linux-image-{wanted} linux-headers-{wanted}"
    else:
        hint = f"list the available ones with apt-cache search linux-image-{wanted}"
    message = f"kernel {wanted} is not installed{names}"
    return UsageError(message + did_you_mean(wanted, known), hint=hint)
