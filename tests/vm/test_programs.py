"""Programs that show rules on real kernels: locks, nodes, owned groups."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel
from tests.fuse import needs_fuse

pytestmark = pytest.mark.real

SCENARIO = """\
description: Drivers and a module that take their time.
parameters:
  release: {default: 6.12.117-amd64, description: kernel release}
---
kernel: {release: {{ release }}}
modules:
  - name: slow
    path: kernel/slow.ko
    drivers: [{name: slow, probe_ms: 5000, ids: [{id: "1af4:0009"}]}]
  - name: quick
    path: kernel/quick.ko
    drivers: [{name: quick, ids: [{id: "1af4:0002"}]}]
  - {name: late, path: kernel/late.ko, init_ms: 5000}
loaded: [slow, quick]
devices:
  - {address: "0000:01:00.0", id: "1af4:0001", driver: none}
  - {address: "0000:02:00.0", id: "1af4:0002", driver: none}
"""
ORDER = {
    # What ends while the slow one is under way, and what ends after that.
    "R-LOCK-1": [["bind of another: done"], ["slow bind: done", "unbind of it: done"]],
    "R-LOCK-2": [["probe of another: done"], ["probe of a slow one: done"]],
    "R-MOD-14": ["EBUSY", "second insertion: EEXIST"],
    "R-DEV-1": "EAGAIN",
}
OWNED = {
    "R-DEV-2": [107, 0],
    "R-IOMMU-2": "EBUSY",
    "R-PROBE-2": "EINVAL",
    "R-VFIO-8": ["node is there: True", "close", "done"],
}
PROGRAMS = Path(__file__).parent


def facts(program: str, scenario: Path | str, *options: str) -> Any:
    """Return what a program prints on a host."""
    words = [sys.executable, "-m", "simkernel", "run", *options, str(scenario), "--"]
    done = subprocess.run(
        [*words, sys.executable, str(PROGRAMS / f"{program}_program.py")],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=600,
    )
    return json.loads(done.stdout)


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """Return the scenario with slow drivers."""
    path = tmp_path / "slow.yaml.j2"
    path.write_text(SCENARIO)
    return path


@needs_fuse
def test_simulated_kernel_ends_operations_in_order(slow: Path) -> None:
    """Those on one device wait for each other, those on others do not."""
    assert facts("concurrent", slow, "--via", "fuse") == ORDER


def test_real_kernels_end_operations_in_order(
    each_kernel: InstalledKernel, slow: Path
) -> None:
    """As the simulated one."""
    options = ["--via", "vm", "--kernel", each_kernel.release]
    found = facts("concurrent", slow, *options)

    # Of the same file, a second insertion shares the first one's result. Source: Linux
    # commit 9b9879fc0327 ("modules: catch concurrent module loads, treat them as
    # idempotent") (in v6.5).
    series = tuple(map(int, each_kernel.release.split(".")[:2]))
    if series >= (6, 5):
        assert found["R-MOD-14"].pop() == "second insertion: done"
        found["R-MOD-14"].append("second insertion: EEXIST")
    assert found == ORDER


def test_real_kernels_refuse_host_drivers_in_an_owned_group(
    each_kernel: InstalledKernel,
) -> None:
    """The errno of bind and of drivers_probe; a node that is made again is root's."""
    options = ["--via", "vm", "--kernel", each_kernel.release]

    assert facts("owned", "in_use", *options) == OWNED
