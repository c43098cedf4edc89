"""Programs on the fuse tier, from their start to their end, beside umockdev-run.

umockdev lays the same tree out as files for its test bed; it answers for Python and C
programs that are linked dynamically, and its files do nothing when written to.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.harness import MissingPeerError, Result, python
from simkernel.errors import SimkernelError
from simkernel.filesystems.node import Attribute, Directory, Link
from simkernel.fronts.fuse.host import FuseHost
from simkernel.host.boot import boot_host
from simkernel.host.host import Host
from simkernel.model.kernel import Kernel
from simkernel.model.pci.function import PciDevice
from simkernel.scenario.render import load

__all__ = ["measure"]

ROUNDS = 15
FEW, MANY = {"pfs": "1", "vfs": "19"}, {"pfs": "10", "vfs": "99"}
"""Settings of ``many_vfs`` for 20 and for 1,000 devices."""
PATIENCE_S = 60
"""Time after which the peer is given up."""
LSPCI = ["lspci", "-nnk"]


def measure() -> Iterator[Result]:
    """Yield the start of a host, a whole run, and ``lspci`` on two hosts."""
    for tool in ("lspci", "umockdev-run"):
        if shutil.which(tool) is None:
            raise MissingPeerError(f"{tool} is not here (apt: pciutils, umockdev)")
    try:
        yield _start()
    except SimkernelError as error:
        raise MissingPeerError(str(error)) from None
    yield _whole_run()
    few, many = _lspci(FEW), _lspci(MANY)
    with tempfile.TemporaryDirectory() as folder:
        peer_few = _umockdev(FEW, Path(folder), rounds=5)
        peer_many = _umockdev(MANY, Path(folder), rounds=1)
    yield Result(
        subject="fuse: lspci -nnk, 20 devices",
        ours=f"{few * 1e3:.0f} ms",
        peer=_peer_text(peer_few),
        ratio=few / peer_few,
        target="<= 80 ms",
        is_ok=few <= 0.08,
    )
    yield Result(
        subject="fuse: lspci -nnk, 1,000 devices",
        ours=f"{many:.2f} s",
        peer=_peer_text(peer_many),
        ratio=many / peer_many,
        target="<= 50 times that of 20 devices",
        is_ok=many <= 50 * few,
    )


def _peer_text(spent: float) -> str:
    text = f"{spent * 1e3:.0f} ms" if spent < PATIENCE_S else f"over {PATIENCE_S} s"
    return f"umockdev-run {text}, with its start"


def _median(action: Callable[[], float], rounds: int = ROUNDS) -> float:
    return statistics.median(action() for _ in range(rounds))


def _start() -> Result:
    """Measure from nothing to the first program, with what Python imports at hand."""

    def once() -> float:
        reading, writing = os.pipe()
        begin = time.time()
        with FuseHost(lambda: boot_host(load("mlx5_vfio_pci", {}))) as host:
            process = host.start(["date", "+%s.%N"], streams=(0, writing, 2))
            os.close(writing)
            host.wait(process)
        with open(reading) as stream:
            return float(stream.read()) - begin

    once()
    spent = _median(once)
    return Result(
        subject="fuse: start to exec",
        ours=f"{spent * 1e3:.0f} ms",
        peer="-",
        ratio=None,
        target="<= 100 ms",
        is_ok=spent <= 0.1,
    )


def _whole_run() -> Result:
    words = [python(), "-m", "simkernel", "run", "--via", "fuse", "mlx5_vfio_pci"]
    spent = _median(lambda: _time([*words, "--", "true"]))
    return Result(
        subject="simkernel run --via fuse mlx5_vfio_pci -- true",
        ours=f"{spent * 1e3:.0f} ms",
        peer="-",
        ratio=None,
        target="<= 300 ms",
        is_ok=spent <= 0.3,
    )


# A wait with a timeout looks every 50 ms only; so a timer ends what takes too long.
def _time(words: list[str]) -> float:
    begin = time.perf_counter()
    with subprocess.Popen(
        words, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        timer = threading.Timer(PATIENCE_S, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        code = process.wait()
        timer.cancel()
    assert code in (0, -signal.SIGKILL), f"{words[0]} ended with {code}"
    return time.perf_counter() - begin


def _lspci(settings: dict[str, str]) -> float:
    """Return the seconds of one ``lspci``, as the host's second program finds it."""
    null = os.open(os.devnull, os.O_RDWR)
    with FuseHost(lambda: boot_host(load("many_vfs", settings))) as host:

        def once() -> float:
            begin = time.perf_counter()
            assert host.wait(host.start(LSPCI, streams=(null, null, 2))) == 0
            return time.perf_counter() - begin

        once()
        spent = _median(once, 5)
    os.close(null)
    return spent


def _umockdev(settings: dict[str, str], folder: Path, rounds: int) -> float:
    """Return the seconds of ``lspci`` on the same devices under umockdev-run.

    Its folder for them is in ``folder``, so that nothing stays if it is given up.
    """
    path = folder / "tree.umockdev"
    path.write_text(_recording(boot_host(load("many_vfs", settings))))
    words = ["umockdev-run", "--device", os.fspath(path), "--", *LSPCI]
    words = ["env", f"TMPDIR={folder}", *words]
    return _median(lambda: _time(words), rounds)


def _recording(host: Host) -> str:
    """Return the PCI devices of a host in umockdev's format."""
    root = host.trees()["sys"]
    blocks = []
    for device in host.kernel.pci.devices.values():
        directory = root.lookup(device.devpath)
        assert isinstance(directory, Directory)
        blocks.append("\n".join(_lines(host.kernel, device, directory)))
    return "\n\n".join(blocks) + "\n"


def _lines(kernel: Kernel, device: PciDevice, directory: Directory) -> Iterator[str]:
    yield f"P: {device.devpath}"
    yield "E: SUBSYSTEM=pci"
    for key, value in kernel.pci.uevent(device):
        yield f"E: {key}={value}"
    for name in directory.names():
        node = directory.child(name)
        if isinstance(node, Link) and name in ("driver", "iommu_group", "physfn"):
            yield f"L: {name}={node.target}"
        elif isinstance(node, Attribute) and node.show is not None and name != "uevent":
            data = node.show()
            if name == "config":
                yield f"H: {name}={data.hex().upper()}"
            else:
                text = data.decode("latin-1").replace("\\", "\\\\")
                yield f"A: {name}={text}".replace("\n", "\\n")
