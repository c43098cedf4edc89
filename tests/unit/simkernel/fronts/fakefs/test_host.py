"""What the fakefs front promises to the programs that run on it."""

from __future__ import annotations

import io
import os
import select
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from pyfakefs import fake_open

from simkernel.errors import UsageError
from simkernel.fronts.fakefs.host import simulated
from simkernel.fronts.fakefs.programs.python import find_program
from simkernel.fronts.fakefs.run import kept_folders, run
from simkernel.host.boot import boot_host
from simkernel.scenario.render import parse
from tests.bench import host_of

VF = "/sys/bus/pci/devices/0000:3b:00.2"


def _host():  # type: ignore[no-untyped-def]
    return host_of("mlx5_vfio_pci")


def test_pyfakefs_has_the_names_that_are_replaced() -> None:
    """The pinned pyfakefs picks its stream classes by these two names."""
    assert callable(fake_open.FakeBinaryFileWrapper)
    assert callable(fake_open.FakeTextFileWrapper)
    with simulated(_host()), open(f"{VF}/modalias") as stream:
        assert isinstance(stream, io.TextIOWrapper)


def test_open_file_dropped_without_close_is_written() -> None:
    """A one-liner that never closes its file writes, as in CPython."""
    with simulated(_host()):
        open(f"{VF}/driver_override", "w").write("foo")  # noqa: SIM115  # on purpose

        assert Path(f"{VF}/driver_override").read_text() == "foo\n"


def test_plain_file_dropped_without_close_is_written() -> None:
    """A configuration that a script writes in one expression is there at once."""
    with simulated(_host()):
        open("/etc/modprobe.d/x.conf", "w").write("alias foo vfio\n")  # noqa: SIM115  # on purpose
        done = subprocess.run(["modprobe", "-R", "foo"], capture_output=True, text=True)

        assert done.stdout == "vfio\n"


def test_buffered_write_that_is_refused_raises_at_close() -> None:
    """The kernel's answer comes when the buffer is flushed."""
    with simulated(_host()):
        stream = open("/sys/bus/pci/drivers_probe", "w")  # noqa: SIM115  # closed below
        stream.write("0000:99:00.0")

        with pytest.raises(OSError, match="No such device"):
            stream.close()


def test_each_os_write_is_one_store_and_offsets_do_not_matter() -> None:
    """Two commands on one descriptor, one of them at an offset."""
    with simulated(_host()):
        descriptor = os.open("/sys/bus/pci/drivers/mlx5_core/unbind", os.O_WRONLY)
        assert os.write(descriptor, b"0000:3b:00.2") == 12
        assert os.pwrite(descriptor, b"0000:3b:00.3", 4096) == 12
        os.close(descriptor)

        assert not os.path.exists(f"{VF}/driver")


def test_rereading_from_the_start_shows_the_new_state() -> None:
    """A file kept open is read anew after seeking to its start."""
    with simulated(_host()), open(f"{VF}/driver_override") as stream:
        assert stream.read() == "(null)\n"
        Path(f"{VF}/driver_override").write_text("foo")
        stream.seek(0)

        assert stream.read() == "foo\n"


def test_each_file_is_itself_and_no_other() -> None:
    """Programs that look for loops or copies compare inode numbers."""
    other = VF.replace("00.2", "00.3")
    with simulated(_host()):
        vendor = os.stat(f"{VF}/vendor")

        assert os.path.samestat(vendor, os.stat(os.path.realpath(f"{VF}/vendor")))
        assert os.path.samestat(vendor, Path(f"{VF}/vendor").stat())
        assert not os.path.samestat(vendor, os.stat(f"{other}/vendor"))
        assert not os.path.samestat(os.stat(VF), os.lstat(VF))


def test_host_says_its_own_release_and_files() -> None:
    """uname, the module directory and /proc are the scenario's."""
    with simulated(_host()):
        release = os.uname().release

        assert release == "6.12.117-amd64"
        assert [release] == os.listdir("/lib/modules")
        assert "mlx5_core 12288" in Path("/proc/modules").read_text()


def test_kmod_commands_are_answered() -> None:
    """modprobe loads into the simulated kernel and prints what kmod prints."""
    with simulated(_host()):
        done = subprocess.run(["modprobe", "nosuch"], capture_output=True, text=True)
        subprocess.run(["/sbin/modprobe", "mlx5_vfio_pci"], check=True)

        assert done.returncode == 1
        assert "Module nosuch not found" in done.stderr
        assert os.path.isdir("/sys/bus/pci/drivers/mlx5_vfio_pci")


@pytest.mark.parametrize(
    "command", [["ls", "/sys"], "modprobe x; reboot", ["sh", "-c", "true"]]
)
def test_other_programs_are_refused(command: str | list[str]) -> None:
    """Nothing runs that would see the real host."""
    with simulated(_host()), pytest.raises(PermissionError, match="fakefs tier"):
        subprocess.run(command, shell=isinstance(command, str), check=False)


def test_functions_that_reach_past_the_host_are_refused_and_put_back() -> None:
    """os.system and its like fail inside, and are real again outside."""
    real = os.system
    with simulated(_host()):
        with pytest.raises(PermissionError, match="leave the simulated host"):
            os.system("true")
        assert not os.path.exists("/etc/passwd")

    assert real is os.system
    assert os.path.exists("/etc/passwd")


def test_uevents_reach_a_netlink_socket() -> None:
    """A listener hears the kernel, and select works on its socket."""
    with simulated(_host()):
        listener = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)
        listener.bind((0, 1))
        Path("/sys/bus/pci/drivers/mlx5_core/unbind").write_text("0000:3b:00.2")

        assert [listener] == select.select([listener], [], [], 1)[0]
        message = listener.recv(4096).split(b"\0")
        listener.close()

    assert message[0].startswith(b"unbind@/devices/pci0000:3a/")
    assert b"PCI_SLOT_NAME=0000:3b:00.2" in message


@pytest.mark.real
def test_waiting_for_events_that_nobody_can_make_ends_at_once(tmp_path: Path) -> None:
    """The program's only thread is the one that waits."""
    program = tmp_path / "wait.py"
    program.write_text(
        "import select, socket, time\n"
        "listener = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15)\n"
        "before = time.monotonic()\n"
        "assert select.select([listener], [], [], 30) == ([], [], [])\n"
        "assert time.monotonic() - before < 5\n"
    )
    command = [sys.executable, "-m", "simkernel", "run", "mlx5_vfio_pci", "--"]

    subprocess.run([*command, "python", str(program)], check=True)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pass", 0),
        ("raise SystemExit(7)", 7),
        ("import sys; sys.exit('text')", 1),
        ("1/0", 1),
        ("raise KeyboardInterrupt", 130),
    ],
)
def test_exit_code_is_the_programs(code: str, expected: int) -> None:
    """However a program ends, its code comes out."""
    assert expected == run(_host(), ["python", "-c", code])


def test_files_written_below_the_working_directory_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results land on the disk; the simulated host's files do not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").write_text("old")
    (tmp_path / "same").write_text("same")
    script = (
        "import os; open('new','w').write('new'); open('old','a').write('er');"
        "open('/run/gone','w').write('x'); os.mkdir('d'); open('d/deep','w').write('1')"
    )

    assert run(_host(), ["python", "-c", script]) == 0

    found = {
        str(path.relative_to(tmp_path)): path.read_text()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert found == {"new": "new", "old": "older", "same": "same", "d/deep": "1"}
    assert not os.path.exists("/run/gone")


@pytest.mark.parametrize(
    "folder", ["/", "/etc", "/usr", "/usr/sbin", "/lib", "/run/resolver", "/sys/bus"]
)
def test_directory_that_touches_the_simulated_host_is_never_written_back(
    folder: str,
) -> None:
    """The simulated modprobe must not land where the real one is."""
    assert [Path("/home/me")] == kept_folders([Path(folder), Path("/home/me")])


def test_the_directory_of_temporary_files_can_be_worked_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyfakefs has one of its own, which must not hide the real one."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    assert run(_host(), ["python", "-c", "open('new', 'w').write('x')"]) == 0

    assert (tmp_path / "new").read_text() == "x"


def test_simulated_files_stay_simulated_below_a_kept_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link in the working directory to a place of the host leads nowhere real."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("/run")

    assert run(_host(), ["python", "-c", "open('link/leak', 'w').write('x')"]) == 0

    assert [path.name for path in tmp_path.iterdir()] == ["link"]
    assert not os.path.exists("/run/leak")


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["nosuchcommand"], "no such command"),
        (["/bin/sh", "-c", "true"], "no Python program"),
        (["python"], "name a script"),
        (["python", "-m", "nosuchmodule"], "no module"),
        (["python", "nosuch.py"], "cannot read"),
        (["python", "-c", "=="], "no Python program"),
    ],
)
def test_what_is_no_python_program_is_said_before_anything_runs(
    argv: list[str], reason: str
) -> None:
    """A clear error, no traceback."""
    with pytest.raises(UsageError, match=reason):
        find_program(argv)


def test_nodes_of_vfio_can_be_given_away_until_they_are_made_anew() -> None:
    """R-DEV-2: owner and mode of a node last as long as the node."""
    host = host_of("mlx5_vfio_pci")
    device = "/sys/bus/pci/devices/0000:3b:00.2"
    with simulated(host):
        subprocess.run(["modprobe", "vfio_pci"], check=True)
        Path(f"{device}/driver_override").write_text("vfio-pci")
        Path(f"{device}/driver/unbind").write_text("0000:3b:00.2")
        Path("/sys/bus/pci/drivers/vfio-pci/bind").write_text("0000:3b:00.2")
        os.chown("/dev/vfio/2", 64055, -1)
        os.chmod("/dev/vfio/2", 0o660)
        given = os.stat("/dev/vfio/2")
        Path(f"{device}/driver/unbind").write_text("0000:3b:00.2")
        Path("/sys/bus/pci/drivers/vfio-pci/bind").write_text("0000:3b:00.2")
        anew = os.stat("/dev/vfio/2")

    assert (given.st_uid, given.st_gid, given.st_mode & 0o777) == (64055, 0, 0o660)
    assert (anew.st_uid, anew.st_gid, anew.st_mode & 0o777) == (0, 0, 0o600)


_WITH_FILES = """
kernel: {release: 6.12.0}
files:
  /etc/driverctl.d/pci-0000:01:00.0: "vfio-pci\\n"
  /proc/cpuinfo: "vendor_id : GenuineIntel\\n"
  /sys/firmware/acpi/tables/DMAR: ""
  /sys/kernel/debug/x: "y"
"""


def test_files_of_a_scenario_are_beside_those_of_the_kernel() -> None:
    """What the kernel model lacks can be read; its own files stay as they are."""
    with simulated(boot_host(parse(_WITH_FILES))):
        assert Path("/etc/driverctl.d/pci-0000:01:00.0").read_text() == "vfio-pci\n"
        assert Path("/proc/cpuinfo").read_text() == "vendor_id : GenuineIntel\n"
        assert os.listdir("/sys/firmware/acpi/tables") == ["DMAR"]
        assert sorted(os.listdir("/sys/kernel")) == ["debug", "iommu_groups"]
        assert Path("/proc/cmdline").read_text().startswith("BOOT_IMAGE")
        with pytest.raises(PermissionError):
            os.open("/sys/kernel/debug/x", os.O_WRONLY)
