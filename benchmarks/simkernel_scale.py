"""Large simulated hosts: how long they take to be ready, and how much memory.

Each measurement is a process of its own, so that memory is its own too. The peer is
umockdev's test bed, which builds its tree as files.
"""

from __future__ import annotations

import ctypes.util
import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.harness import MissingPeerError, Result, python

__all__ = ["measure"]

VFS_PER_PF = 100
SMALL, LARGE = 100, 1000
"""Physical functions of the two hosts."""
BINDS = 10_000
PEER_DEVICES = 1000

_BUILD = """
import json, resource, sys, time
from simkernel.host.boot import boot_host
from simkernel.scenario.render import load
start = time.perf_counter()
host = boot_host(load("many_vfs", {"pfs": sys.argv[1], "vfs": sys.argv[2]}))
ready = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"s": ready, "kib": peak, "devices": len(host.kernel.pci.devices)}))
"""

_BIND = """
import json, sys, time
from simkernel.host.boot import boot_host
from simkernel.scenario.render import load
from simkernel.filesystems.sysfs.root import sysfs
kernel = boot_host(load("many_vfs")).kernel
for name in ("vfio", "irqbypass", "vfio_pci_core", "mlx5_vfio_pci"):
    kernel.modules.load(name)
tree = sysfs(kernel)
count = int(sys.argv[1])
names = [one.name for one in kernel.pci.devices.values() if one.physfn][:count]
start = time.perf_counter()
for name in names:
    override = tree.resolve(f"bus/pci/devices/{name}/driver_override")
    tree.write(override, b"mlx5_vfio_pci")
    tree.write(tree.resolve("bus/pci/drivers/mlx5_core/unbind"), name.encode())
    tree.write(tree.resolve("bus/pci/drivers_probe"), name.encode())
spent = time.perf_counter() - start
assert len(kernel.pci.drivers["mlx5_vfio_pci"].devices) == len(names)
print(json.dumps({"s": spent}))
"""

_PEER = """
import ctypes, json, sys, time
lib = ctypes.CDLL(sys.argv[1])
lib.umockdev_testbed_new.restype = ctypes.c_void_p
lib.umockdev_testbed_add_devicev.restype = ctypes.c_void_p
lib.umockdev_testbed_add_devicev.argtypes = [
    ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p,
    ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_char_p)]
attributes = json.loads(sys.argv[3])
pairs = [text.encode() for pair in attributes.items() for text in pair] + [None]
values = (ctypes.c_char_p * len(pairs))(*pairs)
none = (ctypes.c_char_p * 1)(None)
bed = lib.umockdev_testbed_new()
start = time.perf_counter()
for number in range(int(sys.argv[2])):
    name = f"0000:{number >> 8:02x}:{number >> 3 & 31:02x}.{number & 7}".encode()
    lib.umockdev_testbed_add_devicev(bed, b"pci", name, None, values, none)
print(json.dumps({"s": time.perf_counter() - start}))
"""

_ATTRIBUTES = """
import json
from simkernel.host.boot import boot_host
from simkernel.host.content import snapshot
from simkernel.scenario.render import load
host = boot_host(load("many_vfs", {"pfs": "1", "vfs": "1"}))
path = next(d.devpath for d in host.kernel.pci.devices.values() if d.physfn)
files = snapshot(host)
start = f"/sys{path}/"
below = {key[len(start):]: text for key, text in files.items()
         if key.startswith(start)}
kept = {name: text for name, text in below.items() if name and "/" not in name}
print(json.dumps({name: text for name, text in kept.items()
                  if not text.startswith(("->", "mode "))}))
"""


def measure() -> Iterator[Result]:
    """Yield readiness and memory of two hosts, growth, binds, and the peer's build."""
    small, large = _hosts(SMALL), _hosts(LARGE)
    yield _host_result(small, seconds=2.0, mebibytes=300)
    yield _host_result(large, seconds=20.0, mebibytes=2048)
    growth = (large["s"] / large["devices"]) / (small["s"] / small["devices"])
    yield Result(
        subject="time per device, large host to small",
        ours=f"{large['s'] / large['devices'] * 1e6:.0f} us",
        peer=f"{small['s'] / small['devices'] * 1e6:.0f} us",
        ratio=growth,
        target="<= 1.50",
        is_ok=growth <= 1.5,
    )
    spent = min(_child(_BIND, str(BINDS))["s"] for _ in range(3))
    yield Result(
        subject=f"{BINDS:,} binds through the tree",
        ours=f"{spent:.2f} s",
        peer="-",
        ratio=None,
        target="<= 2 s",
        is_ok=spent <= 2,
    )
    yield _listing()
    yield _peer(small)


def _hosts(pfs: int) -> dict[str, Any]:
    runs = [_child(_BUILD, str(pfs), str(VFS_PER_PF)) for _ in range(3)]
    return min(runs, key=lambda one: one["s"])


def _child(code: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [python(), "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _host_result(run: dict[str, Any], *, seconds: float, mebibytes: int) -> Result:
    memory = run["kib"] / 1024
    return Result(
        subject=f"host of {run['devices']:,} devices is ready",
        ours=f"{run['s']:.2f} s, {memory:.0f} MiB",
        peer="-",
        ratio=None,
        target=f"<= {seconds:.0f} s, {mebibytes} MiB",
        is_ok=run["s"] <= seconds and memory <= mebibytes,
    )


def _listing() -> Result:
    command = [python(), "-m", "simkernel", "run", "many_vfs", "--"]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, python(), "-m", "resolver", "devices", "--json"],
        capture_output=True,
        check=True,
    )
    spent = time.perf_counter() - start
    count = len(json.loads(done.stdout)["devices"])
    return Result(
        subject=f"resolver devices --json, {count:,} devices, fakefs",
        ours=f"{spent:.1f} s",
        peer="-",
        ratio=None,
        target="<= 10 s",
        is_ok=spent <= 10,
    )


def _peer(small: dict[str, Any]) -> Result:
    library = ctypes.util.find_library("umockdev")
    if library is None:
        raise MissingPeerError("libumockdev is not here (apt: libumockdev0)")
    attributes = json.dumps(_child(_ATTRIBUTES))
    spent = min(
        _child(_PEER, library, str(PEER_DEVICES), attributes)["s"] for _ in range(3)
    )
    ours, theirs = small["s"] / small["devices"], spent / PEER_DEVICES
    return Result(
        subject=f"build one device ({len(json.loads(attributes))} attributes)",
        ours=f"{ours * 1e6:.0f} us",
        peer=f"umockdev {theirs * 1e6:.0f} us",
        ratio=ours / theirs,
        target="<= 1.00",
        is_ok=ours <= theirs,
    )
