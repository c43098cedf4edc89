"""Many devices whose probes take time, beside the tools that people use for it.

Each tool binds the same virtual functions on a fuse host of its own. The peers do one
device after the other, as they do on a real host.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchmarks.harness import MissingPeerError, Result, python
from simkernel.errors import SimkernelError
from simkernel.fronts.fuse.host import FuseHost
from simkernel.host.boot import boot_host
from simkernel.host.host import Host
from simkernel.scenario.render import load
from simkernel.scenario.schema import Scenario

__all__ = ["measure"]

VFS = 128
PROBE_MS = 50
DRIVER = "vfio-pci"
"""The one that every tool can bind to."""
TIMES_FASTER = 8
"""Than driverctl, which most people use; the others are there to compare."""
ROUNDS = 3
"""Of ours, the best of which counts; a peer has so much to do that one is enough."""
OURS = ["-m", "resolver", "bind", "--driver", DRIVER, "vfs:01:00.0"]
DRIVERCTL = f'for one; do driverctl --nosave set-override "$one" {DRIVER}; done'


def measure() -> Iterator[Result]:
    """Yield the time of each tool for all devices, beside ours."""
    for tool in ("driverctl", "dpdk-devbind.py"):
        if shutil.which(tool) is None:
            raise MissingPeerError(f"{tool} is not here (apt: driverctl, dpdk)")
    try:
        ours = min(_time([python(), *OURS]) for _ in range(ROUNDS))
    except SimkernelError as error:
        raise MissingPeerError(str(error)) from None
    names = _names(_host())
    peers = {
        "driverctl set-override, in a loop": ["sh", "-c", DRIVERCTL, "sh", *names],
        "dpdk-devbind.py --bind": ["dpdk-devbind.py", "--bind", DRIVER, *names],
        "resolver bind --jobs 1": [python(), *OURS, "--jobs", "1"],
    }
    for peer, words in peers.items():
        theirs = _time(words)
        is_target = peer.startswith("driverctl")
        yield Result(
            subject=f"bind {VFS} VFs that take {PROBE_MS} ms each",
            ours=f"{ours:.2f} s",
            peer=f"{peer}: {theirs:.2f} s",
            ratio=theirs / ours,
            target=f">= {TIMES_FASTER}" if is_target else "-",
            is_ok=theirs >= TIMES_FASTER * ours or not is_target,
        )


def _scenario() -> Scenario:
    scenario = load("many_vfs", {"pfs": "1", "vfs": str(VFS)})
    modules = tuple(
        replace(
            module,
            drivers=tuple(
                replace(driver, probe_ms=PROBE_MS) if driver.name == DRIVER else driver
                for driver in module.drivers
            ),
        )
        for module in scenario.modules
    )
    return replace(scenario, modules=modules)


def _host() -> Host:
    return boot_host(_scenario())


def _names(host: Host) -> list[str]:
    devices = host.kernel.pci.devices.values()
    return [device.name for device in devices if device.physfn is not None]


def _time(words: Sequence[str]) -> float:
    """Return the seconds that a command takes on a host of its own, and check it."""
    null = os.open(os.devnull, os.O_RDWR)
    with FuseHost(_host) as host:
        assert host.wait(host.start(["modprobe", DRIVER])) == 0
        begin = time.perf_counter()
        code = host.wait(host.start(words, streams=(null, null, 2)))
        spent = time.perf_counter() - begin
        bound = len(host.host.kernel.pci.drivers[DRIVER].devices)
    os.close(null)
    if (code, bound) != (0, VFS):
        raise RuntimeError(f"{words[0]} ended with {code} and bound {bound} of {VFS}")
    return spent
