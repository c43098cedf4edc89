"""``resolver resolve`` on what real kernels of Debian ship.

``SIMKERNEL_LIVE_MODULES`` names a directory such as ``/lib/modules/6.1.0-56-amd64``;
without it, it is the newest one in ``/lib/modules``.
"""

from __future__ import annotations

import lzma
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

DATA = Path(__file__).parents[1] / "data"
FORCE_KERNEL = "SIMKERNEL_FORCE_LIVE_KERNEL"
FORCE_KMOD = "SIMKERNEL_FORCE_KMOD"

CONNECTX_VF = "pci:v000015B3d0000101Esv000015B3sd00000023bc02sc00i00"
VIRTIO_NET = "pci:v00001AF4d00001041sv00001AF4sd00001100bc02sc00i00"
NVME_DISK = "pci:v0000144Dd0000A808sv0000144Dsd0000A801bc01sc08i02"
GENERIC_ALIAS = "vfio_pci:v*d*sv*sd*bc*sc*i*"


def resolve(modules: Path, *modaliases: str) -> list[list[str]]:
    """Return the columns that ``resolver resolve`` prints for each modalias."""
    done = subprocess.run(
        [sys.executable, "-I", "-m", "resolver", "resolve", "--modules-dir",
         os.fspath(modules), "-"],
        check=True,
        input="".join(f"{one}\n" for one in modaliases),
        capture_output=True,
        text=True,
    )  # fmt: skip
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.fixture
def debian_6_12(tmp_path: Path) -> Path:
    """Return the module directory of Debian's 6.12.117, index files only."""
    for packed in (DATA / "debian-6.12.117-amd64").glob("*.xz"):
        (tmp_path / packed.stem).write_bytes(lzma.decompress(packed.read_bytes()))
    return tmp_path


@pytest.fixture
def debian_with_variants(debian_6_12: Path) -> Path:
    """Return the same, with the variant drivers that Debian does not build."""
    with (debian_6_12 / "modules.alias").open("ab") as stream:
        stream.write((DATA / "vfio-aliases.txt").read_bytes())
    return debian_6_12


@pytest.fixture
def live_modules() -> Path:
    """Return the module directory of an installed kernel."""
    named = os.environ.get("SIMKERNEL_LIVE_MODULES")
    found = sorted(
        (path.parent for path in Path("/lib/modules").glob("*/modules.alias")),
        key=lambda path: path.stat().st_mtime,
    )
    if named or found:
        return Path(named) if named else found[-1]
    reason = f"no kernel in /lib/modules; {FORCE_KERNEL}=1 forces this"
    if os.environ.get(FORCE_KERNEL):
        pytest.fail(reason)
    pytest.skip(reason)


def test_debian_has_no_variant_of_its_own(debian_6_12: Path) -> None:
    """Where the kernel builds no variant, every device gets the generic driver."""
    rows = resolve(debian_6_12, CONNECTX_VF, VIRTIO_NET, NVME_DISK)

    expected = [
        [one, "vfio_pci", GENERIC_ALIAS, "modules.alias"]
        for one in (CONNECTX_VF, VIRTIO_NET, NVME_DISK)
    ]
    assert expected == rows


def test_variant_goes_before_generic(debian_with_variants: Path) -> None:
    """A variant that describes the device wins; other devices are as before."""
    rows = resolve(debian_with_variants, CONNECTX_VF, VIRTIO_NET, NVME_DISK)

    chosen = [(row[0], row[1]) for row in rows]
    expected = [
        (CONNECTX_VF, "mlx5_vfio_pci"),
        (VIRTIO_NET, "virtio_vfio_pci"),
        (NVME_DISK, "vfio_pci"),
    ]
    assert expected == chosen


def test_installed_kernel(live_modules: Path) -> None:
    """An installed kernel of Debian answers with its generic driver."""
    rows = resolve(live_modules, CONNECTX_VF, VIRTIO_NET, NVME_DISK)

    expected = [
        [one, "vfio_pci", GENERIC_ALIAS, "modules.alias"]
        for one in (CONNECTX_VF, VIRTIO_NET, NVME_DISK)
    ]
    assert expected == rows


def test_modprobe_finds_the_same_module(live_modules: Path) -> None:
    """Where there is one candidate only, modprobe and resolver agree."""
    if shutil.which("modprobe") is None:
        reason = f"no modprobe: install the package kmod; {FORCE_KMOD}=1 forces this"
        if os.environ.get(FORCE_KMOD):
            pytest.fail(reason)
        pytest.skip(reason)
    base = live_modules.parents[2]
    if live_modules.parent != base / "lib" / "modules":
        pytest.skip(f"{live_modules} is not below lib/modules, as modprobe -d needs")

    said = subprocess.run(
        ["modprobe", "-d", base, "-S", live_modules.name, "-R", f"vfio_{VIRTIO_NET}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()

    assert said == [row[1] for row in resolve(live_modules, VIRTIO_NET)]
