"""Slow operations on the fuse tier block no other program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simkernel.fronts.fuse.host import FuseHost
from simkernel.host.boot import boot_host
from simkernel.scenario.render import parse
from simkernel.testing import Sim
from tests.e2e.commands import Marked, on_fuse, started
from tests.fuse import needs_fuse

pytestmark = [pytest.mark.real, needs_fuse]

SCENARIO = """\
description: A driver that probes slowly, and one that does not; a group in use.
parameters:
  probe_ms: {default: "0", description: milliseconds of a probe}
---
kernel: {release: 6.12.0}
modules:
  - name: vfio
    path: kernel/vfio.ko
    drivers: [{name: vfio-pci, vfio: true, ids: [{override_only: true}]}]
  - name: slow
    path: kernel/slow.ko
    drivers: [{name: slow, probe_ms: {{ probe_ms }}, ids: [{id: "1af4:0009"}]}]
  - name: quick
    path: kernel/quick.ko
    drivers: [{name: quick, ids: [{id: "1af4:0002"}]}]
  - {name: late, path: kernel/late.ko, init_ms: {{ probe_ms }}}
loaded: [vfio, slow, quick]
devices:
  - {address: "0000:01:00.0", id: "1af4:0001", driver: none}
  - {address: "0000:02:00.0", id: "1af4:0002"}
  - address: "0000:03:00.0"
    id: "1af4:0003"
    iommu_group: 3
    driver: vfio-pci
owned_groups: [3]
"""
FOR_EVER_MS = 600_000
"""Longer than any test takes on the slowest machine."""
BIND_SLOWLY = """
cd /sys/bus/pci/devices/0000:01:00.0 && echo slow >driver_override
echo 0000:01:00.0 >/sys/bus/pci/drivers/slow/bind
"""
OTHERS = """
import os
for _ in range(10):
    for way in ("unbind", "bind"):
        with open(f"/sys/bus/pci/drivers/quick/{way}", "w") as stream:
            stream.write("0000:02:00.0")
    for folder, _, names in os.walk("/sys/devices"):
        for name in names:
            path = f"{folder}/{name}"
            if os.stat(path).st_mode & 0o400:
                open(path, "rb").read()
print("others are done")
"""


SIDE_BY_SIDE = """\
kernel: {release: 6.12.0}
modules:
  - name: slow
    path: kernel/slow.ko
    drivers: [{name: slow, probe_ms: 20000, ids: [{id: "1af4:0009"}]}]
loaded: [slow]
devices:
""" + "\n".join(
    f'  - {{address: "0000:{bus:02x}:00.0", id: "1af4:0001"}}' for bus in range(1, 13)
)
WAIT_UNTIL_PROBING = """
until [ -e /sys/bus/pci/drivers/slow/0000:01:00.0 ]; do sleep 0.05; done
"""
WAIT_UNTIL_LOADING = """
import ctypes, errno, os, time
libc = ctypes.CDLL(None, use_errno=True)
DELETE_MODULE = 176
while libc.syscall(DELETE_MODULE, b"late", os.O_NONBLOCK):
    if ctypes.get_errno() != errno.ENOENT:  # EBUSY: the module is loading
        break
    time.sleep(0.05)
"""
PROBE_ALL = """
import os, threading, time
os.chdir("/sys/bus/pci")
names = sorted(os.listdir("devices"))

def write(path, text):
    number = os.open(path, os.O_WRONLY)
    os.write(number, text.encode())
    os.close(number)

for name in names:
    write(f"devices/{name}/driver_override", "slow")
for number, name in enumerate(names):
    path = ("drivers_probe", "drivers/slow/bind")[number % 2]
    threading.Thread(target=write, args=[path, name], daemon=True).start()
while not set(names) <= set(os.listdir("drivers/slow")):
    time.sleep(0.05)
print(threading.active_count() - 1, flush=True)
os._exit(0)
"""


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    """Path of a scenario with slow operations."""
    path = tmp_path / "slow.yaml.j2"
    path.write_text(SCENARIO)
    return str(path)


def _run(
    program: str,
    scenario: str,
    *,
    probe_ms: int,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a shell program on a host; it ends long before a probe that never does."""
    options = ["--set", f"probe_ms={probe_ms}"]
    return subprocess.run(
        on_fuse("sh", "-c", program, scenario=scenario, options=options),
        check=False,
        capture_output=True,
        text=True,
        timeout=FOR_EVER_MS / 2000,
        env=environment,
    )


def test_slow_probe_blocks_its_writer_only(scenario: str) -> None:
    """Others bind, read and list meanwhile; its driver link exists before it ends."""
    program = f"""
    ( {BIND_SLOWLY} echo the probe has ended ) &
    until [ -e /sys/bus/pci/drivers/slow/0000:01:00.0 ]; do sleep 0.05; done
    python3 -c '{OTHERS}'
    """
    done = _run(program, scenario, probe_ms=FOR_EVER_MS)

    assert done.stdout == "others are done\n"


def test_slow_probes_run_in_parallel() -> None:
    """Writers of one file wait for their own device only, as on a real kernel."""
    template = parse(SIDE_BY_SIDE)
    with FuseHost(lambda: boot_host(template)) as place:
        reading, writing = os.pipe()
        words = [sys.executable, "-c", PROBE_ALL]
        process = place.start(words, streams=(0, writing, 2))
        os.close(writing)
        with open(reading) as stream:
            probing = stream.read()
        assert place.wait(process) == 0
    assert probing == "12\n"  # one after the other, it would be 1


def test_slow_module_blocks_its_loader_only(scenario: str) -> None:
    """``modprobe`` waits; other programs read files meanwhile."""
    meanwhile = f"""
    modprobe late & python3 -c '{WAIT_UNTIL_LOADING}'
    cat /sys/bus/pci/drivers_autoprobe; lsmod | grep -c late; kill -0 $! && echo waits
    """
    done = _run(meanwhile, scenario, probe_ms=FOR_EVER_MS)
    assert done.stdout.split() == ["1", "0", "waits"]

    done = _run("modprobe late; lsmod | grep -c late", scenario, probe_ms=10)
    assert done.stdout.split() == ["1"]


@pytest.mark.parametrize(
    "command",
    [
        f"({BIND_SLOWLY}) &",
        "echo 0000:03:00.0 >/sys/bus/pci/drivers/vfio-pci/unbind &",
    ],
)
def test_run_ends_during_an_operation(scenario: str, command: str) -> None:
    """An endless operation ends with the simulated host."""
    marked = Marked()
    program = f"{command} sleep 0.3"
    done = _run(program, scenario, probe_ms=FOR_EVER_MS, environment=marked.environment)

    assert (done.returncode, done.stderr) == (0, "")
    assert marked.alive() == []


def test_killed_run_ends_blocked_writers(scenario: str) -> None:
    """A writer in the middle of a probe ends at once."""
    marked = Marked()
    words = on_fuse(
        "sh",
        "-c",
        f"({BIND_SLOWLY}) & {WAIT_UNTIL_PROBING} echo up; wait",
        scenario=scenario,
        options=["--set", f"probe_ms={FOR_EVER_MS}"],
    )
    with started(marked, words) as run:
        run.kill()
        marked.wait_until_none()


def test_working_directory_stays_valid(tmp_path: Path) -> None:
    """``getcwd`` works while names change around the folder."""
    program = """
import os
os.chdir("/sys/bus/pci/devices/0000:02:00.0")
here = os.getcwd()
for _ in range(20):
    for way in ("unbind", "bind"):
        with open(f"/sys/bus/pci/drivers/quick/{way}", "w") as stream:
            stream.write("0000:02:00.0")
        os.stat("/sys/devices"); os.listdir(".")
        assert os.getcwd() == here
        assert os.path.exists("driver") == (way == "bind")
print(here)
"""
    template = parse(SCENARIO.partition("---\n")[2].replace("{{ probe_ms }}", "0"))
    with FuseHost(lambda: boot_host(template)) as place:
        reading, writing = os.pipe()
        words = [sys.executable, "-c", program]
        process = place.start(words, streams=(0, writing, 2))
        os.close(writing)
        with open(reading) as stream:
            assert stream.read() == "/sys/devices/pci0000:02/0000:02:00.0\n"
        assert place.wait(process) == 0


def test_host_survives_a_caller_killed_in_a_trapped_call(tmp_path: Path) -> None:
    """The reply to the killed caller is dropped, and other programs continue."""
    (tmp_path / "own.yaml").write_text(SCENARIO)
    with Sim(tmp_path / "own.yaml", {"probe_ms": 2000}, via="fuse") as host:
        with host.start(["modprobe", "late"]) as loader:
            host.run([sys.executable, "-c", WAIT_UNTIL_LOADING], check=True)
            loader.send_signal(signal.SIGKILL)
            loader.wait()
        assert host.kernel.wait_for_event("add", "/module/late", timeout=300)
        assert host.run(["lsmod"], check=True).stdout.startswith("Module")
        host.run(["true"], check=True)
