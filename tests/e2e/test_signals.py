"""Signals for each process of a run, at a moment when a device is in between."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.commands import on_fuse
from tests.fuse import needs_fuse

pytestmark = [pytest.mark.real, needs_fuse]

SCENARIO = """\
description: NICs whose driver takes two seconds to release them.
---
{% import "_macros/vfio.yaml.j2" as vfio %}
kernel: {release: 6.12.117-amd64}
modules:
{{ vfio.stock() }}
  - name: slownic
    path: kernel/drivers/net/slownic.ko
    drivers: [{name: slownic, remove_ms: 2000, ids: [{id: "8086:10d3"}]}]
loaded: [slownic, vfio_pci]
devices:
  - {address: "0000:02:00.0", id: "8086:10d3", class: "020000"}
  - {address: "0000:03:00.0", id: "8086:10d3", class: "020000"}
"""
PROGRAM = """
import json, os, signal, subprocess, sys, time
from pathlib import Path

sent, to, *words = sys.argv[1:]
devices = Path("/sys/bus/pci/devices")

def override(name):
    return (devices / name / "driver_override").read_text().strip()

def children(pid):
    task = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sorted(map(int, task))

def everyone(pid):
    return [pid, *(one for child in children(pid) for one in everyone(child))]

def is_alive(pid):
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False

words = [sys.executable, "-m", "resolver", *words]
run = subprocess.Popen(
    words, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
)
while override("0000:02:00.0") == "(null)":
    time.sleep(0.01)
time.sleep(0.3)  # The unbind comes right after the override.
helper, *workers = children(run.pid)
processes = everyone(run.pid)
target = {"group": -run.pid, "main": run.pid, "worker": (workers or [0])[0]}[to]
os.kill(target, getattr(signal, sent))
out, err = run.communicate(timeout=100)
while any(map(is_alive, processes)):
    time.sleep(0.01)
status = subprocess.run(
    [sys.executable, "-m", "resolver", "status", "--json"], stdout=subprocess.PIPE
)
print(json.dumps({
    "code": run.returncode,
    "error": err.decode(),
    "bound": {
        one.name: [
            os.path.basename(os.path.realpath(one / "driver")), override(one.name)
        ]
        for one in devices.iterdir()
    },
    "recorded": [one["device"] for one in json.loads(status.stdout)["devices"]],
    "left": sorted(one for one in os.listdir("/run/resolver") if ".json" not in one),
}))
"""
ONE, OTHER = "0000:02:00.0", "0000:03:00.0"
AS_BEFORE = ["slownic", "(null)"]
BOUND = ["vfio-pci", "vfio-pci"]


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    """Path of the scenario."""
    path = tmp_path / "slow.yaml.j2"
    path.write_text(SCENARIO)
    return str(path)


def killed(scenario: str, *words: str) -> dict[str, object]:
    """Send a signal during an unbind; return what the host is like afterwards."""
    done = subprocess.run(
        on_fuse(sys.executable, "-c", PROGRAM, *words, scenario=scenario),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("sent", ["SIGTERM", "SIGINT", "SIGHUP"])
@pytest.mark.parametrize("words", [[ONE], [ONE, OTHER], ["--atomic", ONE, OTHER]])
@pytest.mark.parametrize("to", ["group", "main"])
def test_signal_rolls_back(scenario: str, sent: str, to: str, words: list[str]) -> None:
    """A signal to the group leaves a process for the way back."""
    found = killed(scenario, sent, to, "bind", *words)

    assert found["code"] == 130, found
    assert found["bound"] == {ONE: AS_BEFORE, OTHER: AS_BEFORE}, found
    assert (found["recorded"], found["left"]) == ([], [])


@pytest.mark.parametrize("words", [[], ["--atomic"]])
def test_device_of_a_killed_worker_is_put_back(scenario: str, words: list[str]) -> None:
    """The parent reads the record that the worker has left."""
    found = killed(scenario, "SIGKILL", "worker", "bind", *words, ONE, OTHER)

    other = AS_BEFORE if words else BOUND
    assert found["code"] == 1, found
    assert "worker process was killed" in str(found["error"])
    assert "bound to slownic as before" in str(found["error"])
    assert found["bound"] == {ONE: AS_BEFORE, OTHER: other}, found
    assert found["recorded"] == ([] if words else [OTHER])
    assert found["left"] == []


def test_device_of_a_killed_worker_that_is_blocked(scenario: str) -> None:
    """Exit code 5 while a write of the worker still runs; the record is kept."""
    words = ["--timeout", "1", ONE, OTHER]
    found = killed(scenario, "SIGKILL", "worker", "bind", *words)

    assert found["code"] == 5, found
    assert "worker process was killed" in str(found["error"])
    assert ONE in found["recorded"]  # type: ignore[operator]  # a list
