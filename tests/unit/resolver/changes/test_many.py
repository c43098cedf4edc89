"""Many devices: the words that name them, all or none of them, side by side."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from resolver.changes.many import attempt, in_order, run_all, units_of
from resolver.device import Binding, Device
from resolver.errors import FailedError, NotFoundError, UsageError
from resolver.inspect.device_words import find_devices
from resolver.linux import Host
from resolver.options import Options
from simkernel.model.core.faults import Fault as PlannedFault
from simkernel.scenario.render import load
from simkernel.scenario.schema import FaultEntry
from tests.simulated import Session, session, tree_with_modules

PF = "0000:3b:00.0"
VFS = [f"0000:3b:00.{number}" for number in range(2, 6)]


def device(name: str, group: str | None = None, driver: str = "x") -> Device:
    """Return a device that exists nowhere."""
    return Device(
        bus="pci",
        name=name,
        modalias=None,
        binding=Binding(driver, None),
        iommu_group=group,
    )


@pytest.fixture
def host(captured: Any) -> Host:
    """Two NICs and a disk behind a bridge."""
    captured.device("0000:3b:00.0", "8086:1572", interface="ens1")
    captured.device("0000:3b:00.1", "8086:1572", interface="ens2")
    captured.device("0001:3b:00.0", "144d:a808", device_class="010802")
    captured.device("0000:00:01.0", "8086:3420", device_class="060400")
    found: Host = captured.host
    return found


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["3b:00.*"], ["0000:3b:00.0", "0000:3b:00.1"]),
        (["*:3b:00.0"], ["0000:3b:00.0", "0001:3b:00.0"]),
        (["ens[0-9]"], ["0000:3b:00.0", "0000:3b:00.1"]),
        (["ens?", "3b:00.1", "ens2"], ["0000:3b:00.0", "0000:3b:00.1"]),
        (["*"], ["0000:3b:00.0", "0000:3b:00.1", "0001:3b:00.0"]),
        (["class:net"], ["0000:3b:00.0", "0000:3b:00.1"]),
        (["class:0108"], ["0001:3b:00.0"]),
        (["id:8086:1572"], ["0000:3b:00.0", "0000:3b:00.1"]),
        (["144D:A808"], ["0001:3b:00.0"]),
    ],
)
def test_words_stand_for_devices(
    host: Host, words: list[str], names: list[str]
) -> None:
    """Each device is found once, and bridges only by their names."""
    found = [one for _, one in find_devices(host, words) if isinstance(one, Device)]
    assert [one.name for one in found] == names


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("class:nets", UsageError),
        ("id:8086", UsageError),
        ("../*", UsageError),
        ("8086:1572", UsageError),
    ],
)
def test_word_without_meaning_is_a_usage_error(
    host: Host, word: str, error: type[Exception]
) -> None:
    """Before any device is touched; a kind that fits several has to say so."""
    with pytest.raises(error):
        list(find_devices(host, [word]))


@pytest.mark.parametrize("word", ["4c:*", "class:crypto", "vfs:ens1"])
def test_word_that_fits_nothing_is_not_found(host: Host, word: str) -> None:
    """It is an error of that word, and stops no other one."""
    ((text, found),) = find_devices(host, [word])
    assert text == word
    assert isinstance(found, NotFoundError)


def test_virtual_functions_are_named_by_their_physical_one() -> None:
    """In their order, and without it."""
    with session(load("mlx5_vfio_pci")) as simulated:
        done = simulated.run("resolver", "bind", "--json", "vfs:ens1np0")
    devices = json.loads(done.stdout)["devices"]
    assert [one["device"] for one in devices] == VFS
    assert {one["driver"] for one in devices} == {"mlx5_vfio_pci"}


def test_dry_run_of_many_foresees_what_that_of_one_does() -> None:
    """What a device is kept for is part of it, however the device was named."""
    with session(load("mlx5_vfio_pci")) as simulated:
        with open(f"/sys/bus/pci/devices/{VFS[0]}/driver_override", "w") as file:
            file.write("mlx5_core")
        found = [
            json.loads(
                simulated.run("resolver", "bind", "--dry-run", "--json", word).stdout
            )
            for word in (VFS[0], "vfs:ens1np0")
        ]
    (one,), (first, *_) = (document["devices"] for document in found)
    assert first == one
    assert "mlx5_core" in json.dumps(one["undo"])


def test_words_come_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """One a line; comments and empty lines are none."""
    data = f"# all\n{VFS[0]}\n\n  ens1v1 \n".encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    with session(load("mlx5_vfio_pci")) as simulated:
        done = simulated.run("resolver", "bind", "-", VFS[1], VFS[2])
    assert done.stderr == "3 devices: 3 changed\n"


def failing_at(write: int) -> AbstractContextManager[Session]:
    """Be on a host on which one write is refused."""
    scenario = load("mlx5_vfio_pci")
    return session(replace(scenario, faults=(FaultEntry(at_write=write, errno="EIO"),)))


@pytest.mark.parametrize("write", range(1, 13))
def test_all_devices_or_none(write: int) -> None:
    """Whichever of the twelve writes fails, no device is changed, no record left."""
    with failing_at(write) as simulated:
        done = simulated.run("resolver", "bind", "--json", "--atomic", "vfs:3b:00.0")
        after = simulated.tree()
        records = simulated.names("/run/resolver")
    assert done.exit_code == 1
    devices = json.loads(done.stdout)["devices"]
    assert len(devices) == 4
    assert {one["undone"] for one in devices} == {True}
    assert records == []
    assert tree_with_modules(load("mlx5_vfio_pci"), simulated.modules) == after


def test_one_that_fails_stops_no_other_without_atomic() -> None:
    """Counts and the worst exit code are told."""
    with failing_at(3) as simulated:
        done = simulated.run("resolver", "bind", "vfs:3b:00.0")
        drivers = [simulated.driver(name) for name in VFS]
    assert done.exit_code == 1
    assert drivers == ["mlx5_core", *["mlx5_vfio_pci"] * 3]
    assert done.stderr.endswith("4 devices: 3 changed, 1 failed\n")


def test_refusal_of_one_keeps_all_from_being_touched() -> None:
    """What can be known before is not found out in the middle."""
    with session(load("mlx5_vfio_pci")) as simulated:
        done = simulated.run("resolver", "bind", "--atomic", *VFS, PF)
        assert simulated.writes == 0
        assert simulated.modules == ["mlx5_core"]
    assert done.exit_code == 3
    assert "5 devices: 4 failed, 1 refused" in done.stderr


def test_atomic_set_is_taken_back_to_what_it_was() -> None:
    """Not further: a device that was bound before stays bound."""
    scenario = load("mlx5_vfio_pci")
    with session(scenario) as simulated:
        assert simulated.run("resolver", "bind", VFS[0]).exit_code == 0
        at = simulated.writes + 5
        simulated.host.kernel.faults.planned = [PlannedFault(at_write=at, errno=5)]
        words = ("bind", "--atomic", "--driver", "vfio-pci", VFS[0], VFS[1])
        done = simulated.run("resolver", *words)
        drivers = [simulated.driver(name) for name in VFS[:2]]
        status = json.loads(simulated.run("resolver", "status", "--json").stdout)
    assert done.exit_code == 1
    assert drivers == ["mlx5_vfio_pci", "mlx5_core"]
    (record,) = status["devices"]
    assert (record["wanted_driver"], record["state"]) == ("mlx5_vfio_pci", "as wanted")


def test_members_of_a_group_and_fragile_drivers_go_one_by_one() -> None:
    """The rest goes side by side."""
    targets = [
        ("a", device("a", "1")),
        ("b", device("b", "2")),
        ("c", device("c", "1")),
        ("d", device("d", "3", "ioatdma")),
        ("e", NotFoundError("no such device")),
        ("f", device("f", "4", "ioatdma")),
        ("g", device("g", None)),
    ]
    assert units_of(targets) == [[0, 2], [1], [3, 5], [4], [6]]


def test_results_come_in_the_order_of_the_words() -> None:
    """As soon as those before them are there."""
    came = iter([(1, FailedError("b")), (0, FailedError("a")), (2, FailedError("c"))])
    assert [str(result) for _, result in in_order(came)] == ["a", "b", "c"]


@pytest.mark.real
def test_groups_are_done_side_by_side(captured: Any) -> None:
    """Sixteen devices are at work at the same time, each in a process of its own."""
    targets = [(str(n), device(str(n), str(n))) for n in range(16)]

    def meet_the_others(one: Device, options: Options) -> Any:
        captured.write(f"run/begun/{one.name}", "")
        deadline = time.monotonic() + 60
        while len(os.listdir(captured.root / "run/begun")) < 16:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        raise FailedError(f"met in {os.getpid()}")

    found = dict(
        run_all(captured.live_host, targets, meet_the_others, Options(jobs=16))
    )
    assert found.keys() == set(range(16))
    assert len({str(result) for result in found.values()}) == 16


@pytest.mark.real
def test_worker_that_is_killed_loses_only_its_device(captured: Any) -> None:
    """The others go on, and it is told."""
    targets = [(str(n), device(str(n), str(n))) for n in range(4)]

    def action(one: Device, options: Options) -> Any:
        if one.name == "2":
            os.kill(os.getpid(), 9)
        raise FailedError("done")

    found = dict(run_all(captured.live_host, targets, action, Options(jobs=4)))
    assert [str(found[n]) for n in (0, 1, 3)] == ["done"] * 3
    assert "the worker process was killed" in str(found[2])


@pytest.mark.real
def test_interrupted_workers_end_what_they_are_at() -> None:
    """Each gets to put its device back; then the interruption goes on."""
    code = """
import os, time
from resolver.linux.workers import Workers

def say(text):
    os.write(1, f"{text}\\n".encode())

def do(number):
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        say(f"put back {number}")
        raise

workers = Workers(2, do)
say("begun")
try:
    for number, result in workers.run([[0], [1], [2]], lambda: False):
        say(f"{number} {result}")
except KeyboardInterrupt:
    say("interrupted")
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        said = sorted(process.stdout.read().splitlines())
    assert said == [
        "0 interrupted; rolled back",
        "1 interrupted; rolled back",
        "interrupted",
        "put back 0",
        "put back 1",
    ]


def test_error_of_the_system_is_told_with_its_file() -> None:
    """And what to do about it."""

    def action(one: Device, options: Options) -> Any:
        raise PermissionError(13, "Permission denied", "/sys/x")

    result = attempt(device("a"), action, Options())
    assert isinstance(result, FailedError)
    assert (str(result), result.hint) == (
        "/sys/x: EACCES (Permission denied)",
        "run as root",
    )


def test_work_is_done_by_this_process_where_there_can_be_no_other() -> None:
    """As in the fakefs tier."""
    with session(load("mlx5_vfio_pci")) as simulated:
        done = simulated.run("resolver", "bind", "--jobs", "4", "vfs:3b:00.0")
        drivers = {simulated.driver(name) for name in VFS}
    assert (done.exit_code, drivers) == (0, {"mlx5_vfio_pci"})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_end_is_undone(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Ctrl-C is: systemd stops services so, a terminal that goes away its jobs."""
    with session(load("mlx5_vfio_pci")) as simulated:
        original = os.write

        def interrupted(descriptor: int, data: bytes) -> int:
            written = original(descriptor, data)
            if simulated.driver(VFS[0]) is None:
                monkeypatch.setattr(os, "write", original)
                signal.raise_signal(number)
            return written

        monkeypatch.setattr(os, "write", interrupted)
        done = simulated.run("resolver", "bind", VFS[0], VFS[1])
        drivers = [simulated.driver(name) for name in VFS[:2]]
        records = simulated.names("/run/resolver")
    found = done.exit_code, drivers, records
    assert found == (130, ["mlx5_core"] * 2, []), done.stderr
    assert signal.getsignal(number) == signal.SIG_DFL
