"""Runs of resolver as real processes: killed anywhere, and two at the same time.

``pytest -rP tests/e2e/test_processes.py`` prints the table of all kills.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from simkernel.host.boot import boot_host
from simkernel.host.host import Host
from simkernel.scenario.render import load
from simkernel.testing.fuse_tier import FuseTier
from simkernel.testing.tier import RunRequest
from tests.fuse import needs_fuse
from tests.simulated import tree_of

pytestmark = needs_fuse

ROOT = Path(__file__).parents[2]
VARIANT = ("vfio", "vfio_iommu_type1", "vfio_pci_core", "mlx5_vfio_pci", "vfio_pci")
VFS = 200
BOTH = """
import json, subprocess, sys
words = [sys.executable, "-m", "resolver"]
runs = [
    subprocess.Popen([*words, *one.split()], stdout=subprocess.DEVNULL)
    for one in sys.argv[1:]
]
print(json.dumps([run.wait() for run in runs]))
"""

LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
os.execv(sys.executable, [sys.executable, "-m", "resolver", *sys.argv[2:]])
"""


@contextmanager
def on_fuse(vfs: int) -> Iterator[tuple[Host, FuseTier]]:
    """Be on a host with virtual functions of 01:00.0, whose modules are loaded."""
    scenario = load("many_vfs", {"pfs": "1", "vfs": str(vfs)})
    host = boot_host(replace(scenario, loaded=(*scenario.loaded, *VARIANT)))
    tier = FuseTier(host)
    try:
        yield host, tier
    finally:
        tier.close()


def run(tier: FuseTier, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program on the host."""
    argv = [sys.executable, *words]
    return tier.run(RunRequest(argv=argv, cwd=ROOT, timeout_s=600))


def test_killed_run_is_restored_by_the_next() -> None:
    """At every changing call, by SIGKILL for it and its children."""
    with on_fuse(2) as (host, tier):
        before = tree_of(host)
        done = run(tier, "-m", "tests.killed", "0000:01:00.1")
        after = tree_of(host)

    rows = [json.loads(line) for line in done.stdout.splitlines() if line[0] == "{"]
    print(f"{'COMMAND':8} {'KILLED AT':84} RESTORED")
    for row in rows:
        call = row["call"] if row["was_killed"] else "the end"
        print(f"{row['command']:8} {call:84} {'yes' if row['is_restored'] else 'NO'}")
    assert done.returncode == 0, done.stderr
    kills = Counter(row["command"] for row in rows if row["was_killed"])
    assert kills.keys() == {"bind", "unbind", "restore"}
    assert min(kills.values()) > 8
    assert all(row["is_restored"] for row in rows)
    assert before == after


@pytest.mark.parametrize("other", ["", "--driver vfio-pci "])
def test_two_runs_bind_the_same_devices(other: str) -> None:
    """Every device ends on one driver, none is forgotten, both say the truth."""
    with on_fuse(VFS) as (host, tier):
        before = tree_of(host)
        both = run(tier, "-c", BOTH, "bind vfs:01:00.0", f"bind {other}vfs:01:00.0")
        status = run(tier, "-m", "resolver", "status", "--json")
        bound = {
            name: device.driver.name if device.driver else None
            for name, device in host.kernel.pci.devices.items()
            if device.physfn is not None
        }
        back = run(tier, "-m", "resolver", "restore", "--all")
        after = tree_of(host)

    assert json.loads(both.stdout) == [0, 0], both.stderr
    known = {one["device"]: one for one in json.loads(status.stdout)["devices"]}
    assert len(bound) == VFS
    assert known.keys() == bound.keys()
    assert {one["previous_driver"] for one in known.values()} == {"mlx5_core"}
    assert {one["state"] for one in known.values()} == {"as wanted"}
    assert set(bound.values()) <= {"mlx5_vfio_pci", "vfio-pci"}
    assert {name: one["driver"] for name, one in known.items()} == bound
    assert back.returncode == 0, back.stderr
    assert before == after


def test_atomic_run_needs_few_descriptors() -> None:
    """Far fewer than it has devices; other runs wait for its claim."""
    with on_fuse(VFS) as (host, tier):
        before = tree_of(host)
        bound = run(tier, "-c", LIMITED, "128", "bind", "--atomic", "vfs:01:00.0")
        left = run(tier, "-c", "import os; print(os.listdir('/run/resolver'))")
        names = [name for name, one in host.kernel.pci.devices.items() if one.physfn]
        drivers = {host.kernel.pci.devices[name].driver for name in names}
        back = run(tier, "-c", LIMITED, "128", "restore", "--all")
        after = tree_of(host)

    assert bound.returncode == 0, bound.stderr
    assert {one and one.name for one in drivers} == {"mlx5_vfio_pci"}
    assert ".lock" not in left.stdout
    assert "claims" not in left.stdout
    assert back.returncode == 0, back.stderr
    assert before == after
