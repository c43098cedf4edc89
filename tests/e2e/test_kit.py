"""The test kit on the fuse tier: any program, while the test looks and interferes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simkernel.errors import UsageError
from simkernel.testing import Sim
from tests.fuse import needs_fuse

pytestmark = [pytest.mark.real, needs_fuse]

VF = "0000:3b:00.2"
DEVICE = f"/sys/bus/pci/devices/{VF}"
UNBIND = f"echo {VF} >{DEVICE}/driver/unbind"


@pytest.fixture
def nic():  # type: ignore[no-untyped-def]
    """A host on the fuse tier."""
    with Sim("mlx5_vfio_pci", {"vfs": 2}, via="fuse") as host:
        yield host


def test_program_runs_and_its_output_is_kept_apart(nic: Sim) -> None:
    """With input, exit code, environment and directory."""
    script = "cat; pwd; echo $A >&2; exit 3"

    done = nic.run(["sh", "-c", script], input="in\n", env={"A": "1"}, cwd="/usr")

    assert (done.returncode, done.stdout, done.stderr) == (3, "in\n/usr\n", "1\n")
    assert nic.via == "fuse"


def test_one_program_finds_what_the_other_left(nic: Sim) -> None:
    """Kernel and files last as long as the test."""
    nic.run(["sh", "-c", UNBIND], check=True)
    nic.run(["sh", "-c", "echo alias mine vfio >/etc/modprobe.d/x.conf"], check=True)

    assert nic.run(["test", "-e", f"{DEVICE}/driver"]).returncode == 1
    assert nic.run(["modprobe", "-R", "mine"]).stdout == "vfio\n"
    assert nic.driver_of(VF) is None


def test_much_output_does_not_block(nic: Sim) -> None:
    """More than a pipe holds, on both streams."""
    script = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"

    done = nic.run(["sh", "-c", script])

    assert (len(done.stdout), len(done.stderr)) == (300000, 300000)


def test_input_that_nobody_reads_does_not_block(nic: Sim) -> None:
    """More than a pipe holds."""
    assert nic.run(["true"], input="x" * 300000).returncode == 0


def test_program_that_takes_too_long_is_ended(nic: Sim) -> None:
    """What it printed until then is in the exception; the host goes on."""
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        nic.run(["sh", "-c", "echo begun; exec sleep 600"], timeout=5)

    assert caught.value.stdout == "begun\n"
    assert nic.run(["true"]).returncode == 0


def test_signal_that_ends_a_program_is_its_code(nic: Sim) -> None:
    """As subprocess has it."""
    assert nic.run(["sh", "-c", "kill -TERM $$"]).returncode == -15


def test_program_that_is_not_there_is_named(nic: Sim) -> None:
    """A clear error; the host goes on."""
    with pytest.raises(UsageError, match="nosuchprogram"):
        nic.run(["nosuchprogram"])
    assert nic.run(["true"]).returncode == 0


def test_failure_is_injected_into_any_program(nic: Sim) -> None:
    """The second attempt succeeds."""
    nic.kernel.inject("EIO")

    assert nic.run(["sh", "-c", UNBIND]).returncode != 0
    assert nic.run(["sh", "-c", UNBIND]).returncode == 0


def test_hotplug_is_seen_by_programs_and_the_other_way_round(nic: Sim) -> None:
    """A function comes, a program takes it from its driver, the test sees that."""
    nic.kernel.hotplug("3b:01.0", id="15b3:101d", class_="020000")
    drivers = "/sys/bus/pci/drivers/mlx5_core"
    added = nic.kernel.wait_for_event("add", "0000:3b:01.0")
    assert "0000:3b:01.0" in nic.run(["ls", drivers]).stdout

    nic.run(["sh", "-c", f"echo 0000:3b:01.0 >{drivers}/unbind"], check=True)

    nic.kernel.wait_for_event("unbind", "0000:3b:01.0", after=added)
    nic.kernel.unplug("3b:01.0")
    assert "0000:3b:01.0" not in nic.run(["ls", drivers]).stdout


def test_program_goes_on_while_the_test_interferes(nic: Sim) -> None:
    """A daemon that waits for a device finds one that is plugged in."""
    path = "/sys/bus/pci/devices/0000:3b:01.0"
    script = f"echo up; while [ ! -e {path} ]; do sleep 0.05; done; cat {path}/device"
    with nic.start(["sh", "-c", script]) as daemon:
        assert daemon.is_running
        nic.kernel.hotplug("3b:01.0", id="15b3:101d", class_="020000")

        assert daemon.wait(60).stdout == "up\n0x101d\n"
    assert not daemon.is_running


def test_started_program_ends_with_its_block(nic: Sim) -> None:
    """Whether anybody waits for it or not."""
    with nic.start(["sleep", "4243"]) as program:
        assert program.is_running
    assert not program.is_running
    assert not _is_running("sleep\0" + "4243")


def test_signal_reaches_a_program_that_has_only_just_begun(nic: Sim) -> None:
    """It waits until the program is there to get it."""
    for _ in range(10):
        with nic.start(["sleep", "60"]) as program:
            program.terminate()
            assert program.wait(60).returncode == -15


def test_tree_is_as_before_when_all_is_put_back(nic: Sim) -> None:
    """And a difference is one."""
    before = nic.tree()
    nic.run(["sh", "-c", UNBIND], check=True)
    assert before != nic.tree()
    with pytest.raises(AssertionError, match="-driver -> "):
        nic.assert_unchanged()
    nic.run(["sh", "-c", f"echo {VF} >/sys/bus/pci/drivers_probe"], check=True)

    nic.assert_unchanged()


def test_what_was_done_before_the_first_program_is_there(nic: Sim) -> None:
    """A test prepares its host, whatever the tier will be."""
    nic.kernel.unplug(VF)

    assert nic.run(["test", "-e", DEVICE]).returncode == 1


def test_no_process_and_no_mount_is_left() -> None:
    """A program that goes on in the background ends with the test."""
    before = Path("/proc/self/mountinfo").read_text()
    with Sim("mlx5_vfio_pci", via="fuse") as host:
        host.run(["sh", "-c", "sleep 4242 >/dev/null 2>&1 &"], check=True)

    end = time.monotonic() + 60
    while _is_running("sleep\0" + "4242") and time.monotonic() < end:
        time.sleep(0.05)
    assert not _is_running("sleep\0" + "4242")
    assert before == Path("/proc/self/mountinfo").read_text()


def _is_running(words: str) -> bool:
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if words in place.read_text():
                return True
        except OSError:
            continue  # it has just ended
    return False


def test_tier_is_fuse_where_nobody_says_otherwise() -> None:
    """Unless the test was on the host itself before."""
    with Sim("mlx5_vfio_pci") as host:
        assert host.run(["true"]).returncode == 0
        assert host.via == "fuse"
        with pytest.raises(UsageError, match="since its first run"):
            host.inside().__enter__()
    with Sim("mlx5_vfio_pci") as host:
        with host.inside():
            pass
        assert host.run(["python", "-c", "print(1)"]).stdout == "1\n"
        assert host.via == "fakefs"


def test_nothing_is_busy_between_two_programs(nic: Sim) -> None:
    """What answered the first one's calls waits; it does not ask again and again."""
    nic.run(["true"], check=True)
    script = "cut -d' ' -f14,15 /proc/1/stat; sleep 1; cut -d' ' -f14,15 /proc/1/stat"

    before, after = nic.run(["sh", "-c", script], check=True).stdout.splitlines()

    ticks = sum(map(int, after.split())) - sum(map(int, before.split()))
    assert ticks <= 5, f"process 1 was busy for {ticks} of 100 ticks"


def test_device_is_gone_at_once_while_others_are_rebound(nic: Sim) -> None:
    """Names of devices are kept longer than those of drivers, and not too long."""
    script = f"""
    cd /sys/bus/pci
    for round in 1 2 3 4 5; do
        for other in 1 2 3; do
            echo {VF} >drivers/mlx5_core/unbind
            test -e devices/{VF}/vendor || exit 1
            test -e devices/0000:3b:00.0/virtfn1/vendor || exit 1
            echo {VF} >drivers/mlx5_core/bind
        done
        sleep 0.06
        test -e devices/0000:3b:00.3/vendor || exit 2
        echo 0 >devices/0000:3b:00.0/sriov_numvfs
        test -e devices/0000:3b:00.3 && exit 3
        ls devices | grep -q 3b:00.3 && exit 4
        test -e /sys/kernel/iommu_groups/3/devices/0000:3b:00.3 && exit 5
        echo 2 >devices/0000:3b:00.0/sriov_numvfs
        test -e devices/0000:3b:00.3/vendor || exit 6
    done
    """

    assert nic.run(["sh", "-c", script]).returncode == 0


KNOWN = """
import json, os, sys, time
def paths():
    for top in ("/sys", "/dev/vfio"):
        for folder, folders, files in os.walk(top):
            yield from (os.path.join(folder, name) for name in (*folders, *files))
known = set(json.load(sys.stdin))
time.sleep(0.06)  # from now on, names are kept
known |= {path for path in paths() if os.path.lexists(path)}
os.system(sys.argv[1])
known = {path for path in known if os.path.lexists(path)}
print(json.dumps(sorted(known | set(paths()))))
"""
CHANGES = [
    "modprobe mlx5_vfio_pci",
    f"echo mlx5_vfio_pci >{DEVICE}/driver_override; {UNBIND}",
    f"echo {VF} >/sys/bus/pci/drivers_probe",
    UNBIND,
    f"echo {VF} >/sys/bus/pci/drivers_probe",
    "echo 0 >/sys/bus/pci/devices/0000:3b:00.0/sriov_numvfs",
    "echo 2 >/sys/bus/pci/devices/0000:3b:00.0/sriov_numvfs",
    "echo 1 >/sys/bus/pci/devices/0000:3b:00.0/remove",
    "echo 1 >/sys/bus/pci/rescan",
    "modprobe -r mlx5_vfio_pci",
]


def test_names_that_were_seen_are_those_that_are_there(nic: Sim) -> None:
    """Whatever came and went, on the same mount, at once."""
    seen: list[str] = []
    for change in CHANGES:
        argv = [sys.executable, "-c", KNOWN, change]
        done = nic.run(argv, input=json.dumps(seen), check=True)
        seen = json.loads(done.stdout)
        there = {path.rstrip("/") for path in nic.tree()}
        assert {path for path in seen if path.startswith("/sys/")} == {
            path for path in there if path.startswith("/sys/")
        }, change
