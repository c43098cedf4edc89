"""Added nodes and processes look alike on both tiers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fuse import needs_fuse

HOST = """description: A test.
---
kernel: {release: 6.12.0}
modules:
  - {name: vfio, path: kernel/vfio.ko}
  - name: vfio_pci
    path: kernel/vfio-pci.ko
    depends: [vfio]
    drivers: [{name: vfio-pci, vfio: true, ids: [{override_only: true}]}]
loaded: [vfio_pci]
devices: [{address: "0000:01:00.0", id: "1af4:0001", iommu_group: 7, driver: vfio-pci}]
directories: [/sys/devices/pci0000:01/0000:01:00.0/net]
nodes:
  - {path: /dev/mapper/vg-root, number: "254:0", type: block}
  - {path: /dev/dri/card0, number: "226:0"}
processes:
  - pid: 777
    name: Xorg
    files: [{path: /dev/dri/card0}, {path: /dev/mapper/vg-root}]
  - pid: 4242
    name: qemu-system-x86
    files: [{path: /dev/vfio/7}, {path: /dev/nvidia0, number: "195:255"}]
"""
CLIENT = """
import json, os, stat

def seen(path):
    found = os.stat(path)
    number = os.major(found.st_rdev), os.minor(found.st_rdev)
    return [stat.S_IFMT(found.st_mode), *number]

def files(pid):
    base = f"/proc/{pid}/fd"
    return {
        name: [os.readlink(f"{base}/{name}"), seen(f"{base}/{name}")]
        for name in sorted(os.listdir(base))
    }

print(json.dumps({
    "names": {pid: open(f"/proc/{pid}/comm").read() for pid in (777, 4242)},
    "files": {pid: files(pid) for pid in (777, 4242)},
    "nodes": [seen("/dev/mapper/vg-root"), seen("/dev/dri/card0")],
    "net": os.listdir("/sys/bus/pci/devices/0000:01:00.0/net"),
    "is_host": os.path.exists("/proc/2/comm"),
    "has_namespace": os.path.exists("/proc/self/ns/pid"),
}))
"""


def seen(folder: Path, tier: str, more: str = "") -> Any:
    """Return what a program sees on a tier."""
    (folder / "host.yaml.j2").write_text(HOST + more)
    (folder / "client.py").write_text(CLIENT)
    command = [sys.executable, "-m", "simkernel", "run", "--via", tier]
    done = subprocess.run(
        [*command, str(folder / "host.yaml.j2"), "--", "python", "client.py"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


@needs_fuse
@pytest.mark.real
@pytest.mark.parametrize("container", ["true", "false"])
def test_both_tiers_show_the_same(tmp_path: Path, container: str) -> None:
    """Numbers of nodes and of open files, names, and whether it is a container."""
    more = f"container: {container}\n"
    fakefs, fuse = (seen(tmp_path, tier, more) for tier in ("fakefs", "fuse"))

    assert fakefs == fuse
    assert fakefs["is_host"] is (container == "false")
    assert fakefs["files"]["4242"]["4"] == ["/dev/nvidia0", [0o020000, 195, 255]]
