"""A host for one test: programs on it, and comparisons of its trees."""

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
from tests.unit.simkernel.testing.taking import VF, take

DEVICE = f"/sys/bus/pci/devices/{VF}"


def test_program_is_run_and_its_output_kept_apart(nic: Sim) -> None:
    """The result is that of subprocess."""
    done = take(nic)

    assert (done.returncode, done.stdout, done.stderr) == (0, "taken\n", "")
    assert nic.driver_of(VF) is None
    assert nic.via == "fakefs"


def test_bytes_descriptors_and_input_of_a_program(nic: Sim) -> None:
    """All output is captured, in order."""
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
    """A test changes its directory and reads the program's files."""
    code = "text = open('in').read(); open('out', 'w').write(text * 2)"
    for text in ("a", "b"):
        (tmp_path / "in").write_text(text)
        nic.run(["python", "-c", code], cwd=tmp_path, check=True)

        assert (tmp_path / "out").read_text() == text * 2


def test_what_a_program_sets_in_its_process_is_taken_back(nic: Sim) -> None:
    """Environment, directory, signals, log handlers and modules are restored."""
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
    """The program has no other variables."""
    code = "import os; print(sorted(os.environ))"

    assert nic.run(["python", "-c", code], env={"A": "1"}).stdout == "['A']\n"


def test_check_raises_as_subprocess_does(nic: Sim) -> None:
    """The error has the program's exit code."""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        nic.run(["python", "-c", "raise SystemExit(7)"], check=True)

    assert caught.value.returncode == 7


@pytest.mark.parametrize("argv", [["ls", "/sys"], ["sh", "-c", "cd /; ls"]])
def test_other_programs_are_refused_with_the_way_out(nic: Sim, argv: list[str]) -> None:
    """The hint names the tier that can run them."""
    with pytest.raises(UsageError, match="--sim-via fuse"):
        nic.run(argv)


def test_starting_a_program_needs_the_other_tier(nic: Sim) -> None:
    """fakefs runs programs in the test's process."""
    with pytest.raises(UsageError, match="requires the fuse tier"):
        nic.start(["python", "-c", "pass"])


def test_test_itself_can_be_on_the_host(nic: Sim) -> None:
    """Afterwards it is on the real machine."""
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
    """A test may import the code under test at any time."""
    (tmp_path / "probed_late.py").write_text(
        "import os\ndef names(): return os.listdir('/sys/bus/pci/drivers')"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    take(nic)
    import probed_late  # type: ignore[import-not-found]  # written above

    with nic.inside():
        assert "mlx5_core" in probed_late.names()


def test_hosts_are_apart(nic: Sim) -> None:
    """Two hosts of one scenario share nothing."""
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


# ---- trees


def test_tree_is_as_before_when_all_is_put_back(nic: Sim) -> None:
    """Snapshots of one state are equal."""
    before = nic.tree()
    take(nic)
    assert before != nic.tree()
    nic.kernel.write("/sys/bus/pci/drivers/mlx5_core/bind", VF)

    assert before == nic.tree()
    nic.assert_unchanged()


def test_expected_change_passes_and_other_ones_fail(nic: Sim) -> None:
    """The failure has a readable diff."""
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
    """Earlier changes do not count."""
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
    """The error names the position."""
    path = tmp_path / "own.yaml.j2"
    path.write_text("description: x\n---\nkernel: {release: 6.1.0, iommo: true}\n")

    with pytest.raises(ScenarioError, match=r"kernel\.iommo: unknown key"):
        Sim(path)
