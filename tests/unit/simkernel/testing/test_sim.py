"""A host for one test: programs on it, a look at it, and interference."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simkernel.errors import ScenarioError, UsageError
from simkernel.testing import Sim

VF = "0000:3b:00.2"
DEVICE = f"/sys/bus/pci/devices/{VF}"
TAKE = """
import os, sys
device = sys.argv[1]
try:
    number = os.open(f"/sys/bus/pci/devices/{device}/driver/unbind", os.O_WRONLY)
    os.write(number, device.encode())
except OSError as error:
    print(error.strerror, file=sys.stderr)
    sys.exit(3)
print("taken")
"""
LATE = """
description: A driver that registers a while after its module is loaded.
---
kernel: {release: 6.12.0}
modules:
  - name: late
    path: kernel/late.ko
    late_ms: 100
    drivers: [{name: late}]
"""


@pytest.fixture
def nic():  # type: ignore[no-untyped-def]
    """A host on the fakefs tier."""
    with Sim("mlx5_vfio_pci", {"vfs": 2}, via="fakefs") as host:
        yield host


def take(host: Sim, device: str = VF) -> subprocess.CompletedProcess[str]:
    """Run a program that takes a device from its driver."""
    return host.run(["python", "-c", TAKE, device])


def test_program_is_run_and_its_output_kept_apart(nic: Sim) -> None:
    """The result is subprocess's own."""
    done = take(nic)

    assert (done.returncode, done.stdout, done.stderr) == (0, "taken\n", "")
    assert nic.driver_of(VF) is None
    assert nic.via == "fakefs"


def test_bytes_descriptors_and_input_of_a_program(nic: Sim) -> None:
    """Whatever way it prints, it is kept, in order."""
    code = (
        "import os, sys; os.write(1, b'one '); sys.stdout.buffer.write(b'two ');"
        "print(sys.stdin.read()); os.write(2, b'err')"
    )

    done = nic.run(["python", "-c", code], input="three")

    assert (done.stdout, done.stderr) == ("one two three\n", "err")


def test_one_program_finds_what_the_other_left(nic: Sim) -> None:
    """Kernel and files last as long as the test."""
    conf = "open('/etc/modprobe.d/x.conf', 'w').write('alias mine vfio')"
    nic.run(["python", "-c", conf], check=True)

    assert nic.run(["modprobe", "-R", "mine"]).stdout == "vfio\n"
    assert nic.run(["cat", "/etc/modprobe.d/x.conf"]).stdout == "alias mine vfio"


def test_real_files_are_as_they_are_now(nic: Sim, tmp_path: Path) -> None:
    """A test changes its directory between two runs, and reads what they wrote."""
    code = "text = open('in').read(); open('out', 'w').write(text * 2)"
    for text in ("a", "b"):
        (tmp_path / "in").write_text(text)
        nic.run(["python", "-c", code], cwd=tmp_path, check=True)

        assert (tmp_path / "out").read_text() == text * 2


def test_what_a_program_sets_in_its_process_is_taken_back(nic: Sim) -> None:
    """Environment, directory, signals, log handlers and modules stay the test's."""
    before = (
        dict(os.environ),
        os.getcwd(),
        signal.getsignal(signal.SIGTERM),
        logging.getLogger().handlers[:],
        sys.argv[:],
    )
    code = (
        "import os, signal, logging, zipapp; os.environ['X'] = '1'; os.chdir('/sys');"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); del os.environ['PATH'];"
        "logging.getLogger().addHandler(logging.NullHandler())"
    )

    nic.run(["python", "-c", code], check=True)

    assert before == (
        dict(os.environ),
        os.getcwd(),
        signal.getsignal(signal.SIGTERM),
        logging.getLogger().handlers[:],
        sys.argv[:],
    )
    assert "zipapp" not in sys.modules


def test_environment_can_be_given(nic: Sim) -> None:
    """It is all that the program has."""
    code = "import os; print(sorted(os.environ))"

    assert nic.run(["python", "-c", code], env={"A": "1"}).stdout == "['A']\n"


def test_check_raises_as_subprocess_does(nic: Sim) -> None:
    """With the program's own code."""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        nic.run(["python", "-c", "raise SystemExit(7)"], check=True)

    assert caught.value.returncode == 7


@pytest.mark.parametrize("argv", [["ls", "/sys"], ["sh", "-c", "cd /; ls"]])
def test_other_programs_are_refused_with_the_way_out(nic: Sim, argv: list[str]) -> None:
    """The message names the tier that runs them."""
    with pytest.raises(UsageError, match="--sim-via fuse"):
        nic.run(argv)


def test_starting_a_program_needs_the_other_tier(nic: Sim) -> None:
    """In one process there is nothing that could go on."""
    with pytest.raises(UsageError, match="requires the fuse tier"):
        nic.start(["python", "-c", "pass"])


def test_test_itself_can_be_on_the_host(nic: Sim) -> None:
    """And is back on the machine afterwards."""
    take(nic)
    with nic.inside():
        assert not os.path.exists(f"{DEVICE}/driver")
        Path("/sys/bus/pci/drivers_probe").write_text(VF)
        assert os.uname().release == "6.12.117-amd64"

    assert nic.driver_of(VF) == "mlx5_core"
    assert not os.path.exists("/sys/bus/pci/drivers/mlx5_core/new_id_of_ours")


def test_module_imported_after_the_host_was_made_is_on_it(
    nic: Sim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test may import the code under test when it likes."""
    (tmp_path / "probed_late.py").write_text(
        "import os\ndef names(): return os.listdir('/sys/bus/pci/drivers')"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    take(nic)
    import probed_late  # type: ignore[import-not-found]  # written above

    with nic.inside():
        assert "mlx5_core" in probed_late.names()


def test_hosts_are_apart(nic: Sim) -> None:
    """Two of the same scenario share nothing."""
    take(nic)
    with Sim("mlx5_vfio_pci", {"vfs": 2}, via="fakefs") as other:
        assert other.driver_of(VF) == "mlx5_core"
        assert other.run(["python", "-c", "import os; os.mkdir('/run/x')"]).stderr == ""
    assert nic.run(["python", "-c", "import os; os.listdir('/run/x')"]).returncode == 1


def test_pyfakefs_beside_it_is_refused() -> None:
    """Its files and the host's would mix."""
    from pyfakefs.fake_filesystem_unittest import Patcher

    with (
        Sim("mlx5_vfio_pci", via="fakefs") as host,
        Patcher(),
        pytest.raises(UsageError, match="pyfakefs is active already"),
    ):
        take(host)


# ---- look and interfere


def test_names_without_domain_are_understood(nic: Sim) -> None:
    """Driver, group, text of a file."""
    assert nic.driver_of("3b:00.2") == "mlx5_core"
    assert nic.group_of("3b:00.2") == 2
    assert nic.read(f"{DEVICE}/vendor") == "0x15b3\n"
    assert nic.kernel.modules == ["mlx5_core"]


def test_unknown_device_is_named_with_those_that_are_there(nic: Sim) -> None:
    """A mistyped address is seen at once."""
    with pytest.raises(
        UsageError, match=r"no device '3b:00.9'.*did you mean 0000:3b:00.[23]"
    ):
        nic.driver_of("3b:00.9")


def test_injected_failure_meets_the_next_write_only(nic: Sim) -> None:
    """The second attempt succeeds."""
    nic.kernel.inject("EIO")

    assert take(nic).stderr == "Input/output error\n"
    assert take(nic).returncode == 0
    assert nic.kernel.writes == 2


def test_failure_can_be_injected_later_and_again(nic: Sim) -> None:
    """Writes are counted from the moment of the call."""
    assert take(nic).returncode == 0
    nic.kernel.inject("EBUSY", at_write=2)

    assert take(nic, "0000:3b:00.3").returncode == 0
    nic.kernel.write("/sys/bus/pci/drivers_probe", VF)
    assert take(nic).stderr == "Device or resource busy\n"


def test_device_can_vanish_at_a_write(nic: Sim) -> None:
    """The driver's file refuses what is not there."""
    nic.kernel.inject(remove=VF)

    assert take(nic).returncode == 3
    assert VF not in nic.kernel.devices


def test_another_process_can_write_first(nic: Sim) -> None:
    """It takes the device before the program does."""
    nic.kernel.inject(path="/sys/bus/pci/drivers/mlx5_core/unbind", data=VF)

    assert take(nic).stderr == "No such device\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "pass errno, remove or path"),
        ({"errno": "EFOO"}, "unknown errno EFOO"),
        ({"errno": "EIO", "at_write": 0}, "at_write=0: must be 1 or more"),
        ({"path": "/tmp/x"}, "must be a file below /sys"),
        ({"remove": "nosuch"}, "no device 'nosuch'"),
    ],
)
def test_injection_that_makes_no_sense_is_refused(
    nic: Sim, arguments: dict[str, object], reason: str
) -> None:
    """At the call, not at the write."""
    with pytest.raises(UsageError, match=reason):
        nic.kernel.inject(**arguments)  # type: ignore[arg-type]  # wrong on purpose


def test_function_is_unplugged_and_comes_back(nic: Sim) -> None:
    """With its driver, and with the events that tell of it."""
    pf = "0000:3b:00.0"
    nic.kernel.unplug("3b:00.0")
    gone = nic.kernel.wait_for_event("remove", pf)
    assert pf not in nic.kernel.devices

    nic.kernel.hotplug("3b:00.0")

    assert nic.driver_of(pf) == "mlx5_core"
    bound = nic.kernel.wait_for_event("bind", f"/devices/*/{pf}", after=gone)
    assert ("DRIVER", "mlx5_core") in bound.variables


def test_new_function_is_plugged_in(nic: Sim) -> None:
    """With the keys that a scenario has for it."""
    nic.kernel.hotplug(
        "0000:3b:01.0",
        id="15b3:101d",
        class_="020000",
        iommu_group=77,
        sriov={"total_vfs": 2, "vf_device": "101e"},
    )

    assert nic.driver_of("3b:01.0") == "mlx5_core"
    assert nic.group_of("3b:01.0") == 77


@pytest.mark.parametrize(
    ("address", "device", "reason"),
    [
        ("3b:00.2", {"id": "15b3:101e"}, "function exists"),
        ("77:00.0", {"id": "15b3:101e"}, "no bus 0000:77"),
        ("3b:01.0", {}, "id: missing key"),
        ("3b:01.0", {"id": "x"}, "id: 'x' must be"),
        ("3b:01.0", {"id": "15b3:101e", "colour": "red"}, "colour: unknown key"),
    ],
)
def test_function_that_cannot_be_is_refused(
    nic: Sim, address: str, device: dict[str, str], reason: str
) -> None:
    """In the words of the scenario's schema."""
    with pytest.raises(UsageError, match=reason):
        nic.kernel.hotplug(address, **device)


def test_waiting_in_vain_says_what_came(nic: Sim) -> None:
    """The events so far are in the message."""
    take(nic)

    with pytest.raises(AssertionError, match=r"within 0.02 s(.|\n)*unbind@/devices"):
        nic.kernel.wait_for_event("add", "nosuch", timeout=0.02)


def test_driver_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    """Time passes for the kernel while the test waits."""
    (tmp_path / "late.yaml.j2").write_text(LATE)
    with Sim(tmp_path / "late.yaml.j2", via="fakefs") as host:
        host.run(["modprobe", "late"], check=True)
        assert "/sys/bus/pci/drivers/late/" not in host.tree()

        assert host.kernel.wait_for_event("add", "*/drivers/late")
        assert "/sys/bus/pci/drivers/late/" in host.tree()


def test_refused_write_of_another_process_raises(nic: Sim) -> None:
    """With the kernel's errno."""
    with pytest.raises(OSError, match="No such device"):
        nic.kernel.write("/sys/bus/pci/drivers_probe", "0000:99:00.0")


# ---- trees


def test_tree_is_as_before_when_all_is_put_back(nic: Sim) -> None:
    """Snapshots of one host compare equal, whenever they are taken."""
    before = nic.tree()
    take(nic)
    assert before != nic.tree()
    nic.kernel.write("/sys/bus/pci/drivers/mlx5_core/bind", VF)

    assert before == nic.tree()
    nic.assert_unchanged()


def test_expected_change_passes_and_other_ones_fail(nic: Sim) -> None:
    """The failure is a difference that a person can read."""
    take(nic)
    nic.assert_changed(
        {
            f"{DEVICE}/driver": None,
            f"{DEVICE}/uevent": ...,
            f"{DEVICE}/net/": None,
            "/sys/bus/pci/drivers/mlx5_core/0000:3b:00.2": None,
            "/sys/class/net/ens1v0": None,
        }
    )

    with pytest.raises(AssertionError) as caught:
        nic.assert_unchanged()
    assert "\n-driver -> ../../../../bus/pci/drivers/mlx5_core\n" in str(caught.value)


def test_change_can_be_counted_from_a_later_moment(nic: Sim) -> None:
    """What was before it is no matter."""
    take(nic)
    middle = nic.tree()

    nic.assert_unchanged(since=middle)


# ---- what is no host


def test_unknown_scenario_parameter_and_tier_are_named() -> None:
    """The error names the wrong value."""
    with pytest.raises(UsageError, match="unknown scenario 'nosuch'"):
        Sim("nosuch")
    with pytest.raises(UsageError, match="has no parameter 'cards'"):
        Sim("mlx5_vfio_pci", {"cards": 1})
    with pytest.raises(UsageError, match="must be one of auto, fakefs, fuse"):
        Sim("mlx5_vfio_pci", via="vm")


def test_wrong_template_is_refused(tmp_path: Path) -> None:
    """With the place in it."""
    path = tmp_path / "own.yaml.j2"
    path.write_text("description: x\n---\nkernel: {release: 6.1.0, iommo: true}\n")

    with pytest.raises(ScenarioError, match=r"kernel\.iommo: unknown key"):
        Sim(path)
