"""``simkernel try`` with modules that the kernel's own build has made."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
MLX5, VIRTIO = "mlx5-vfio-pci.ko", "virtio-vfio-pci.ko"


def attempt(*words: object) -> tuple[int, Any]:
    """Return exit code and document of a trial."""
    command = [sys.executable, "-m", "simkernel", "try", "--json", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("name", [MLX5, "pds-vfio-pci.ko", "qat_vfio_pci.ko", VIRTIO])
def test_variants_of_the_tree_get_their_devices(in_tree: Path, name: str) -> None:
    """On the simulated kernel; the driver's name is read from the file."""
    code, found = attempt(in_tree / name)

    driver = name.removesuffix(".ko").replace("-", "_")
    assert code == 0
    assert {(one["module"], one["driver"]) for one in found["devices"]} == {
        (driver, driver)
    }
    for one in found["devices"]:
        assert not one["loads_by_itself"]
        assert not one["binds_by_itself"]
        assert one["driver_override"] == {
            driver: {"driver": driver, "error": None},
            driver.replace("_", "-"): {"driver": None, "error": None},
        }


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("good_vfio_pci", 0),
        ("dashed_vfio_pci", 0),
        ("match_all_vfio_pci", 1),
        ("no_core_vfio_pci", 1),
        ("plain_vfio_pci", 1),
        ("too_wide_vfio_pci", 1),
    ],
)
def test_broken_ones_do_not(broken: Path, name: str, code: int) -> None:
    """What lint says of them is what comes of them."""
    assert attempt(broken / f"{name}.ko")[0] == code


@pytest.mark.parametrize("name", [MLX5, VIRTIO])
def test_the_real_kernel_does_the_same(
    kernel: InstalledKernel, in_tree: Path, name: str
) -> None:
    """The file itself is loaded there; the table is the same in all columns."""
    _, simulated = attempt(in_tree / name)
    _, real = attempt("--via", "vm", in_tree / name)

    assert real["kernel"] == kernel.release
    assert real["devices"] == simulated["devices"]
    assert real["ok"]


def test_the_page_shows_what_is_printed(in_tree: Path) -> None:
    """docs/developers.md has the table as it is, but for the kernel's release."""
    page = (ROOT / "docs/developers.md").read_text("utf-8")
    start = "```text\n$ simkernel try mlx5-vfio-pci.ko\n"
    shown = page.partition(start)[2].partition("```")[0]
    words = [sys.executable, "-m", "simkernel", "try", MLX5]
    done = subprocess.run(words, cwd=in_tree, capture_output=True, text=True)

    kernel = re.compile("^kernel .*$", re.MULTILINE)
    assert kernel.sub("", done.stdout) == kernel.sub("", shown)
