"""An installed kernel that a guest can run, and what is needed to build modules for it.

The names of packages are Debian's.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simkernel.errors import UsageError

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
"""Programs and where they come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledKernel:
    """An installed kernel; all of it is there but perhaps the sources."""

    release: str
    """What ``uname -r`` prints."""
    image: Path
    """Bootable file."""
    modules: Path
    """Its own module directory."""
    headers: Path
    """Folder in which its modules are built."""
    sources: Path
    """Archive of the sources of its series."""

    def archive(self) -> Path:
        """Return the archive of the sources.

        :raises UsageError: it is not installed.
        """
        if not self.sources.is_file():
            package = self.sources.name.removesuffix(".tar.xz")
            raise UsageError(
                f"the sources of kernel {self.release} are not installed "
                f"({self.sources}): apt-get install {package}"
            )
        return self.sources


def installed_releases(root: Path = Path("/")) -> list[str]:
    """Return the releases whose image is installed, oldest first.

    :param root: directory to look in, for tests.
    """
    images = root.glob("boot/vmlinuz-*")
    return sorted((one.name.partition("-")[2] for one in images), key=_age)


def find_kernel(
    wanted: str | None = None, *, root: Path = Path("/")
) -> InstalledKernel:
    """Return an installed kernel.

    :param wanted: its release, or how that begins: ``6.1`` means the newest of 6.1,
        not 6.12. None: the newest of all for which modules can be built.
    :param root: directory to look in, for tests.
    :raises UsageError: there is none, or a part of it is not installed.
    """
    fitting = [
        one for one in installed_releases(root) if wanted is None or _is(one, wanted)
    ]
    if not fitting:
        raise UsageError(_none(wanted, installed_releases(root)))
    complete = [one for one in fitting if not list(_missing(_kernel(one, root)))]
    kernel = _kernel((complete or fitting)[-1], root)
    missing = list(_missing(kernel))
    if missing:
        what = ", ".join(f"{path}" for path, _ in missing)
        packages = " ".join(dict.fromkeys(package for _, package in missing))
        raise UsageError(
            f"kernel {kernel.release} is not complete, there is no {what}: "
            f"apt-get install {packages}"
        )
    return kernel


def require_programs(*programs: str) -> None:
    """Make sure that programs are installed.

    :raises UsageError: some are not; it names them all.
    """
    missing = [one for one in programs if shutil.which(one) is None]
    if missing:
        packages = " ".join(dict.fromkeys(_PACKAGES[one] for one in missing))
        raise UsageError(
            f"not installed, or not in PATH: {', '.join(missing)}: "
            f"apt-get install {packages}"
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
    """Yield each part that is not there, and its package."""
    if not (kernel.modules / "modules.dep").is_file():
        yield kernel.modules / "modules.dep", f"linux-image-{kernel.release}"
    if not (kernel.headers / "Makefile").is_file():
        yield kernel.headers, f"linux-headers-{kernel.release}"


def _is(release: str, wanted: str) -> bool:
    """Tell whether a release begins with whole parts of what is wanted."""
    rest = release.removeprefix(wanted)
    return release.startswith(wanted) and not (rest and rest[0].isalnum())


def _age(release: str) -> list[tuple[int, str]]:
    """Return what orders releases by their numbers."""
    parts = re.findall(r"\d+|\D+", release)
    return [(int(one), "") if one.isdigit() else (-1, one) for one in parts]


def _none(wanted: str | None, there: list[str]) -> str:
    if wanted is None:
        advice = "apt-get install linux-image-amd64 linux-headers-amd64"
        return f"no kernel is installed in /boot: {advice}"
    names = f"; there are: {', '.join(there)}" if there else ""
    if wanted.count("-"):
        advice = f"apt-get install linux-image-{wanted} linux-headers-{wanted}"
    else:
        advice = f"apt-cache search linux-image-{wanted} lists what apt-get can install"
    return f"no kernel {wanted} is installed{names}: {advice}"
