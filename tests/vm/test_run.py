"""``simkernel run --via vm`` behaves like the command, and leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel
from simkernel.fronts.vm.modules.directory import module_directory
from simkernel.scenario.render import load

pytestmark = pytest.mark.real

RUN = [sys.executable, "-m", "simkernel", "run", "--via", "vm"]
HOST = "no_iommu"
"""A scenario with modules that build quickly."""


@pytest.fixture(autouse=True)
def built(kernel: InstalledKernel) -> None:
    """Build the modules first, so that no test waits for them."""
    module_directory(load(HOST), kernel, lambda text: None)


def run(
    *words: str, folder: Path, data: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a command on the real kernel."""
    return subprocess.run(
        [*RUN, HOST, "--", *words],
        cwd=folder,
        input=data,
        capture_output=True,
        check=False,
        timeout=600,
    )


@contextmanager
def started(folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a run of a command; kill it at the end."""
    process = subprocess.Popen(
        [*RUN, HOST, "--", *words],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def descendants(pid: int) -> set[int]:
    """Return the processes that a process started, and those that they started."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        parents[int(entry.parent.name)] = int(fields[1])
    found = {child for child, parent in parents.items() if parent == pid}
    return found.union(*(descendants(one) for one in found))


def until(condition: object, seconds: float = 300) -> bool:
    """Whether a condition becomes true in time."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def alive(pids: set[int]) -> set[int]:
    """Return those of some processes that have not ended."""
    return {one for one in pids if Path(f"/proc/{one}/exe").is_symlink()}


def test_streams_and_exit_code_are_the_commands(tmp_path: Path) -> None:
    """Long input and output pass unchanged, on all three streams."""
    data = bytes(range(256)) * 8000
    script = "cat; echo done >&2; exit 7"

    done = run("sh", "-c", script, folder=tmp_path, data=data)

    assert done.returncode == 7
    assert data == done.stdout
    assert done.stderr.endswith(b"done\n")


def test_only_the_working_directory_is_written(tmp_path: Path) -> None:
    """A file in it is kept; all others are lost with the guest."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    script = f"id -u; pwd; echo a > file; echo b > {there}/file; cat {there}/file"

    done = run("sh", "-c", script, folder=here)

    assert f"0\n{here}\nb\n" == done.stdout.decode(), done.stderr
    assert (here / "file").read_text() == "a\n"
    assert list(there.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["no-such-command"], 127, b"simkernel: no-such-command: not found\n"),
        (["/etc/passwd"], 126, b"simkernel: /etc/passwd: Permission denied\n"),
        (["sh", "-c", "kill -9 $$"], 128 + 9, b""),
    ],
)
def test_command_that_does_not_run_or_is_killed(
    words: list[str], code: int, message: bytes, tmp_path: Path
) -> None:
    """Exit codes are those of a shell."""
    done = run(*words, folder=tmp_path)

    assert code == done.returncode
    assert done.stderr.endswith(message)


def test_nobody_reads_the_output(tmp_path: Path) -> None:
    """The command gets SIGPIPE."""
    with started(tmp_path, "yes") as process:
        assert process.stdout is not None
        assert process.stdout.read(2) == b"y\n"
        process.stdout.close()
        assert process.wait(300) == 128 + signal.SIGPIPE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_goes_to_the_command(number: signal.Signals, tmp_path: Path) -> None:
    """The command handles it; remaining processes end with the guest."""
    script = (
        f"trap 'echo heard; exit 5' {number.value}; sleep 1000 & "
        "echo ready; while :; do sleep 0.1; done"
    )
    with started(tmp_path, "sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        mine = descendants(process.pid)
        process.send_signal(number)
        assert process.stdout.read() == b"heard\n"
        assert process.wait(300) == 5
    assert mine
    assert not alive(mine)


def test_interrupt_while_booting(tmp_path: Path) -> None:
    """No process remains, and no traceback is printed."""
    with started(tmp_path, "true") as process:
        assert until(lambda: descendants(process.pid))
        mine = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert b"Traceback" not in errors
    assert until(lambda: not alive(mine))


@pytest.mark.parametrize("when", ["booting", "running"])
def test_killed_run_leaves_nothing(when: str, tmp_path: Path) -> None:
    """QEMU ends with simkernel, however that ended; no file remains."""
    with started(tmp_path, "sh", "-c", "echo ready; sleep 1000") as process:
        assert process.stdout is not None
        if when == "running":
            assert process.stdout.readline() == b"ready\n"
        assert until(lambda: descendants(process.pid))
        mine = descendants(process.pid)
        process.kill()
        process.wait()
        assert until(lambda: not alive(mine))
    assert list(tmp_path.iterdir()) == []


def test_other_machines_scenario_is_refused(tmp_path: Path) -> None:
    """The error names the reasons, and no guest boots."""
    done = subprocess.run(
        [*RUN, "vfio_ccw_autoload", "--", "true"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "error: the vm tier does not support this scenario:\n"
        "    bus css (0.0.0000, driver io_subchannel, driver vfio_ccw): not on a PC\n"
        "    bus ap (driver cex4queue, driver vfio_ap): not on a PC\n"
    )


def test_missing_programs_are_named(tmp_path: Path) -> None:
    """The error names all of them, and the command that installs them."""
    done = subprocess.run(
        [*RUN, HOST, "--", "true"],
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr == (
        "error: the vm tier requires QEMU, setpriv, a static busybox\n"
        "hint: run apt-get install qemu-system-x86 util-linux busybox-static\n"
    )


def test_kernel_that_is_not_installed_is_named(tmp_path: Path) -> None:
    """The error names the installed ones and how to find others."""
    done = subprocess.run(
        [*RUN, "--kernel", "2.6", HOST, "--", "true"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("error: kernel 2.6 is not installed (installed: ")
