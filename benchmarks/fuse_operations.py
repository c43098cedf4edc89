"""What one operation on the mounted ``/sys`` costs a program, in the middle of many.

The paths are those that tools use, from ``/sys`` on and through links. Each operation
is handed to the front and back, from one processor to another where the machine has
several; what it costs on a single one stands beside it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from benchmarks.harness import MissingPeerError, Result, python
from simkernel.errors import SimkernelError
from simkernel.fronts.fuse.host import FuseHost
from simkernel.host.boot import boot_host
from simkernel.scenario.render import load

__all__ = ["measure"]

TARGETS_US = {"stat": 100, "open+read": 150, "readlink": 110, "rebind": 600}
NAMES = {
    "stat": "stat of an attribute",
    "open+read": "open, read and close of an attribute",
    "readlink": "readlink of driver",
    "rebind": "driver_override, unbind and drivers_probe",
}
_PROGRAM = """
import json, os, statistics, subprocess, time
VF = "/sys/bus/pci/devices/0000:3b:00.2"

def median_us(action, rounds):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6

def read():
    number = os.open(f"{VF}/vendor", os.O_RDONLY)
    os.read(number, 4096)
    os.close(number)

def write(path, text):
    number = os.open(path, os.O_WRONLY)
    os.write(number, text)
    os.close(number)

drivers = [b"mlx5_vfio_pci", b"mlx5_core"]
def rebind():
    drivers.append(drivers.pop(0))
    write(f"{VF}/driver_override", drivers[1])
    write(f"{VF}/driver/unbind", b"0000:3b:00.2")
    write("/sys/bus/pci/drivers_probe", b"0000:3b:00.2")

subprocess.run(["modprobe", "mlx5_vfio_pci"], check=True)
found = {
    "stat": median_us(lambda: os.stat(f"{VF}/vendor"), 5000),
    "open+read": median_us(read, 5000),
    "readlink": median_us(lambda: os.readlink(f"{VF}/driver"), 5000),
    "rebind": median_us(rebind, 500),
}
assert os.readlink(f"{VF}/driver").endswith(drivers[1].decode())
print(json.dumps(found))
"""


def measure() -> Iterator[Result]:
    """Yield the median of each operation, on all processors and on one."""
    usual = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(usual)})
        alone = _run_inside()
        os.sched_setaffinity(0, usual)
        spread = _run_inside()
    except SimkernelError as error:
        raise MissingPeerError(str(error)) from None
    finally:
        os.sched_setaffinity(0, usual)
    for name, target in TARGETS_US.items():
        yield Result(
            subject=f"fuse: {NAMES[name]}",
            ours=f"{spread[name]:.0f} us",
            peer=f"on one processor: {alone[name]:.0f} us",
            ratio=alone[name] / spread[name],
            target=f"<= {target} us",
            is_ok=spread[name] <= target,
        )


def _run_inside() -> dict[str, float]:
    with FuseHost(lambda: boot_host(load("mlx5_vfio_pci", {}))) as host:
        reading, writing = os.pipe()
        process = host.start([python(), "-c", _PROGRAM], streams=(0, writing, 2))
        os.close(writing)
        with open(reading) as stream:
            text = stream.read()
        assert host.wait(process) == 0
    found: dict[str, float] = json.loads(text)
    return found
