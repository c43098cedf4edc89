"""A host recorded on a real kernel looks the same when simulated."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel
from simkernel.testing import Sim

pytestmark = pytest.mark.real


@pytest.mark.parametrize("name", ["mlx5_vfio_pci"])
def test_recorded_on_a_real_kernel(
    kernel: InstalledKernel, tmp_path: Path, name: str
) -> None:
    """All that ``devices`` says, IOMMU groups too."""
    script = (
        "simkernel record --output host.yaml.j2 && resolver devices --json >real.json"
    )
    words = ["run", "--via", "vm", "--kernel", kernel.release, name]
    subprocess.run(
        [sys.executable, "-m", "simkernel", *words, "--", "sh", "-c", script],
        cwd=tmp_path,
        check=True,
    )

    with Sim(tmp_path / "host.yaml.j2", via="fakefs") as sim:
        done = sim.run(["resolver", "devices", "--json"], check=True)
    real = json.loads((tmp_path / "real.json").read_text("utf-8"))
    assert json.loads(done.stdout) == real
    assert len(real["devices"]) > 10
