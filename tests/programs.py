"""Programs of others that tests run, and the Debian packages that have them."""

from __future__ import annotations

import os
import shutil

import pytest

__all__ = ["FORCED", "missing_packages", "needs"]

FORCED = os.environ.get("SIMKERNEL_FORCE_CLIENTS") == "1"

_PACKAGES = {
    "busybox": "busybox-static",
    "driverctl": "driverctl",
    "gcc": "gcc libc6-dev",
    "libvirtd": "libvirt-daemon libvirt-daemon-driver-qemu",
    "lspci": "pciutils",
    "modprobe": "kmod",
    "systemd-udevd": "udev",
    "virsh": "libvirt-clients",
}
_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/systemd", "/lib/systemd")
"""Where programs for root are, besides PATH."""


def missing_packages(*programs: str) -> str:
    """Return the packages of those programs that are not there, for ``apt-get``."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_FOLDERS])
    lacking = [one for one in programs if shutil.which(one, path=path) is None]
    return " ".join(_PACKAGES[one] for one in lacking)


def needs(*programs: str) -> pytest.MarkDecorator:
    """Return a marker that skips a test where one of the programs is not there."""
    packages = missing_packages(*programs)
    return pytest.mark.skipif(
        not FORCED and bool(packages),
        reason=f"apt-get install {packages}; SIMKERNEL_FORCE_CLIENTS=1 forces it",
    )
