"""Modules built for real kernels: those of the kernel's tree, and broken ones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from simkernel.errors import UsageError
from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel, find_kernel
from simkernel.fronts.vm.modules.build import keep_only, kernel_parts, make_modules
from simkernel.fronts.vm.modules.cache import cached, fingerprint, write_files
from simkernel.fronts.vm.modules.variants import VARIANTS, sources

SOURCES = Path(__file__).parent / "sources"
IN_TREE = ("mlx5_vfio_pci", "pds_vfio_pci", "qat_vfio_pci", "virtio_vfio_pci")


def _find(release: str) -> InstalledKernel:
    try:
        kernel = find_kernel(release)
        kernel.archive()
    except UsageError as error:
        if os.environ.get("SIMKERNEL_FORCE_VM") == "1":
            raise
        pytest.skip(f"{error} (SIMKERNEL_FORCE_VM=1 makes this a failure)")
    return kernel


def _built(
    kernel: InstalledKernel, files: Mapping[str, bytes], options: tuple[str, ...] = ()
) -> Path:
    """Return the folder with the modules that a Kbuild and sources make."""
    key = fingerprint([*kernel_parts(kernel), *files, *files.values()])

    def make(place: Path) -> None:
        write_files(place, files)
        make_modules(kernel, place, options)
        for made in sorted(place.glob("*/*.ko")):
            made.rename(place / made.name)
        keep_only(place, [one.name for one in place.glob("*.ko")])

    return cached(kernel.release, f"lint-{key}", make)


@pytest.fixture(scope="session")
def kernel() -> InstalledKernel:
    """Return the kernel that modules are built for and compared with."""
    return _find("6.12")


@pytest.fixture(scope="session")
def in_tree(kernel: InstalledKernel) -> Path:
    """Return the folder with the variants of the kernel's own tree."""
    files = {"Kbuild": f"obj-m := {' '.join(f'{one}/' for one in IN_TREE)}\n".encode()}
    for name in IN_TREE:
        own = sources(kernel, name)
        files |= {f"{name}/{file}": data for file, data in own.items()}
    options = tuple(f"{VARIANTS[one].option}=m" for one in IN_TREE)
    return _built(kernel, files, options)


@pytest.fixture(scope="session")
def broken(kernel: InstalledKernel) -> Path:
    """Return the folder with the modules that are each wrong in one way."""
    files = {one.name: one.read_bytes() for one in SOURCES.glob("*.[ch]")}
    names = sorted(one.removesuffix(".c") for one in files if one.endswith(".c"))
    files["Kbuild"] = f"obj-m := {' '.join(f'{one}.o' for one in names)}\n".encode()
    return _built(kernel, files)


@pytest.fixture(scope="session")
def of_another_kernel(kernel: InstalledKernel) -> Path:
    """Return the module that is as it should be, built for another release."""
    other = _find("6.1")
    assert other.release != kernel.release
    names = ("driver.h", "good_vfio_pci.c")
    files = {name: (SOURCES / name).read_bytes() for name in names}
    files["Kbuild"] = b"obj-m := good_vfio_pci.o\n"
    return _built(other, files) / "good_vfio_pci.ko"
