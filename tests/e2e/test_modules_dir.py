"""A real kernel's module directory in the place of a made one, on both tiers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import host_of
from tests.fuse import needs_fuse
from tests.programs import needs

pytestmark = pytest.mark.real

VIA = ["fakefs", pytest.param("fuse", marks=needs_fuse)]
PROGRAM = """
import os, subprocess
run = lambda *words: subprocess.run(words, capture_output=True, text=True)
print(run("modinfo", "-F", "alias", "virtio_vfio_pci").stdout.strip())
print(run("modprobe", "virtio_vfio_pci").returncode, run("modprobe", "nosuch").stderr)
print(sorted(os.listdir("/sys/module")))
folder = "/lib/modules/" + os.uname().release
open(folder + "/new", "w").write("x")
print(os.path.exists(folder + "/modules.alias"), os.path.exists(folder + "/new"))
"""


LIVE = os.environ.get("SIMKERNEL_LIVE_MODULES") or max(
    map(str, Path("/lib/modules").glob("*/modules.alias")), default=""
).removesuffix("/modules.alias")
FORCE_LIVE = "SIMKERNEL_FORCE_LIVE_KERNEL"
PROGRAM_LIVE = """
modprobe vfio_pci && modprobe nvme && lsmod | cut -d' ' -f1 | tail -n +2
modprobe -R $(cat /sys/bus/pci/devices/0000:3b:00.2/modalias)
modinfo -F filename vfio_pci; modinfo -F license vfio_pci
rmmod nvme && resolver bind 3b:00.2 | head -1
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The module directory of another host, as files."""
    for path, data in host_of("virtio_vfio_pci").module_files():
        place = tmp_path / "tree" / path.removeprefix("/lib/modules/").partition("/")[2]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return tmp_path / "tree"


def _run(via: str, tree: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    options = ["--via", via, "--modules-dir", str(tree)]
    words = [sys.executable, "-m", "simkernel", "run", *options, "mlx5_vfio_pci", "--"]
    return subprocess.run(
        [*words, "python", "-c", PROGRAM],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
    )


@pytest.mark.parametrize("via", VIA)
def test_modules_of_another_host_are_found_and_loaded(
    via: str, tree: Path, tmp_path: Path
) -> None:
    """What the scenario knows of does its work, the rest is there and does nothing."""
    before = sorted(tree.rglob("*"))
    done = _run(via, tree, tmp_path)

    alias, loaded, _, modules, found = done.stdout.splitlines()
    assert alias.startswith("vfio_pci:v00001AF4d")
    assert loaded == (
        "0 modprobe: FATAL: Module nosuch not found in directory "
        "/lib/modules/6.12.117-amd64"
    )
    assert {"virtio_vfio_pci", "vfio_pci_core", "mlx5_core"} <= set(eval(modules))
    assert (found, done.stderr) == ("True True", "")
    assert before == sorted(tree.rglob("*"))


@needs_fuse
@needs("modprobe")
@pytest.mark.skipif(
    not LIVE and not os.environ.get(FORCE_LIVE),
    reason=f"no kernel in /lib/modules: install one; {FORCE_LIVE}=1 forces it",
)
def test_modules_of_an_installed_kernel_are_loaded(tmp_path: Path) -> None:
    """As Debian has them: compressed, with its own indexes, by the real modprobe."""
    release = Path(LIVE).name
    options = ["--via", "fuse", "--modules-dir", LIVE, "--set", f"release={release}"]
    words = [sys.executable, "-m", "simkernel", "run", *options, "mlx5_vfio_pci"]
    done = subprocess.run(
        [*words, "--", "sh", "-c", PROGRAM_LIVE],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert done.stderr == ""
    *modules, host, file, licence, bound = done.stdout.splitlines()
    assert {"nvme", "nvme_core", "vfio_pci", "vfio_pci_core", "vfio"} <= set(modules)
    assert host == "mlx5_core"
    assert file.startswith(
        f"/lib/modules/{release}/kernel/drivers/vfio/pci/vfio-pci.ko"
    )
    assert licence == "GPL v2"
    assert bound == "0000:3b:00.2 (15b3:101e): mlx5_core -> vfio-pci"
