"""Bindings of commands whose output is lost."""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from pathlib import Path

from simkernel.host.boot import boot_host
from simkernel.scenario.render import load
from simkernel.testing.fuse_tier import FuseTier
from simkernel.testing.tier import RunRequest
from tests.fuse import needs_fuse

pytestmark = needs_fuse

ROOT = Path(__file__).parents[2]
VFS = "0000:3b:00.2 0000:3b:00.3"
STDOUT = (">/dev/full", ">&-", "| true")
STDERR = ("2>/dev/full", "2>&-", "2> >(true)")
SCRIPT = f"""
resolver() {{ {sys.executable} -m resolver "$@"; }}
show() {{
    echo $1 $(for one in {VFS}; do
        basename $(readlink /sys/bus/pci/devices/$one/driver)
    done)
    resolver restore --all >/dev/null 2>&1
}}
"""


def run(*lines: str) -> list[str]:
    """Run lines of a shell script on a host; return what they print."""
    tier = FuseTier(boot_host(load("mlx5_vfio_pci")))
    argv = ["bash", "-c", "\n".join((SCRIPT, *lines))]
    try:
        done: subprocess.CompletedProcess[str] = tier.run(
            RunRequest(argv=argv, cwd=ROOT, timeout_s=600)
        )
    finally:
        tier.close()
    return done.stdout.splitlines()


def test_lost_output_changes_no_binding() -> None:
    """Each device is bound, and the exit code says that the report is lost."""
    pairs = list(product(STDOUT, STDERR))
    lines = (
        f"sleep 0.1; resolver bind {VFS} {err} {out}; show ${{PIPESTATUS[0]}}"
        for out, err in pairs
    )
    assert run(*lines) == ["141 mlx5_vfio_pci mlx5_vfio_pci"] * len(pairs)


def test_lost_messages_skip_no_device() -> None:
    """The exit code is that of the device that the host does not have."""
    lines = (
        f"resolver bind -v 0000:77:00.0 {VFS} {err} >/dev/null; show $?"
        for err in STDERR
    )
    assert run(*lines) == ["4 mlx5_vfio_pci mlx5_vfio_pci"] * len(STDERR)
