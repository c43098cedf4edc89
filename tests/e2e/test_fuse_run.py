"""``simkernel run --via fuse``: exit codes, signals, clean-up, isolation."""

from __future__ import annotations

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.commands import Marked, as_nobody, on_fuse, started
from tests.fuse import needs_fuse

pytestmark = [pytest.mark.real, needs_fuse]

VF = "/sys/bus/pci/devices/0000:3b:00.2"


def _run(words: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, check=False, capture_output=True, text=True, timeout=120, **options
    )  # type: ignore[call-overload,no-any-return]  # options are subprocess's


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_run_returns_the_exit_code_of_the_command(code: int) -> None:
    """For every exit code."""
    assert code == _run(on_fuse("sh", "-c", f"exit {code}")).returncode


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1])
def test_signal_that_ends_the_command_ends_the_run(number: signal.Signals) -> None:
    """As if the command ran without simkernel."""
    done = _run(on_fuse("sh", "-c", f"kill -{number.name[3:]} $$"))

    assert (-number, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nosuch"], "error: cannot run nosuch: No such file or directory\n"),
        (["/etc/passwd"], "error: cannot run /etc/passwd: Permission denied\n"),
    ],
)
def test_command_that_cannot_run_is_reported(words: list[str], message: str) -> None:
    """With exit code 2, and no traceback."""
    done = _run(on_fuse(*words))

    assert (2, message) == (done.returncode, done.stderr)


def test_command_inherits_streams_and_directory(tmp_path: Path) -> None:
    """Files that it writes in the working directory are kept."""
    done = _run(on_fuse("sh", "-c", "cat; cat >file; pwd"), input="in\n", cwd=tmp_path)

    assert f"in\n{tmp_path}\n" == done.stdout
    assert (tmp_path / "file").read_text() == ""


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2, signal.SIGINT]
)
def test_signal_reaches_the_command(number: signal.Signals) -> None:
    """If another process sends it to the run."""
    marked = Marked()
    program = f"trap 'echo got; exit 4' {number.name[3:]}; echo up; sleep 99 & wait"
    with started(marked, on_fuse("sh", "-c", program)) as run:
        run.send_signal(number)

        assert (run.stdout and run.stdout.read(), run.wait()) == ("got\n", 4)
    marked.wait_until_none()


def test_ignored_signal_stays_ignored() -> None:
    """As ``nohup`` expects."""
    show = "grep -E 'SigIgn|SigBlk' /proc/self/status"
    words = ["env", "--default-signal", "--ignore-signal=HUP"]

    lines = _run([*words, *on_fuse("sh", "-c", show)]).stdout.split()

    assert lines == ["SigBlk:", "0" * 16, "SigIgn:", "0" * 15 + "1"]


def test_stopped_command_stops_the_run() -> None:
    """As a shell expects of its jobs; both continue together."""
    marked = Marked()
    program = "echo up; kill -STOP $$; echo again; sleep 99"
    with started(marked, on_fuse("sh", "-c", program)) as run:
        _, status = os.waitpid(run.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)

        run.send_signal(signal.SIGCONT)

        assert run.stdout is not None
        assert run.stdout.readline() == "again\n"
    marked.wait_until_none()


def test_background_processes_end_with_the_command() -> None:
    """No process outlives its simulated host."""
    marked = Marked()
    done = _run(
        on_fuse("sh", "-c", "setsid sleep 99 >/dev/null 2>&1 & echo up"),
        env=marked.environment,
    )

    assert (done.stdout, marked.alive()) == ("up\n", [])


def test_killed_run_leaves_nothing(tmp_path: Path) -> None:
    """Its programs end at once; the machine never had one of its mounts."""
    mounts = Path("/proc/self/mountinfo").read_text()
    marked = Marked()
    program = f"echo up; while cat {VF}/vendor; do :; done >/dev/null 2>{tmp_path}/err"
    with started(marked, on_fuse("sh", "-c", program)) as run:
        assert len(marked.alive()) > 3
        run.kill()
        marked.wait_until_none()

    assert mounts == Path("/proc/self/mountinfo").read_text()


def test_killed_init_process_is_reported() -> None:
    """The run ends with an error that says why."""
    marked = Marked()
    with started(marked, on_fuse("sh", "-c", "echo up; sleep 99")) as run:
        (builder,) = _children(run.pid)
        (first,) = _children(builder)
        os.kill(first, signal.SIGKILL)
        text = run.stdout.read() if run.stdout else ""

        assert run.wait() == 2
    assert text.startswith("error: all processes of the simulated host were killed")
    marked.wait_until_none()


def _children(process: int) -> list[int]:
    path = Path(f"/proc/{process}/task/{process}/children")
    return [int(word) for word in path.read_text().split()]


def test_sysfs_of_the_machine_cannot_be_reached() -> None:
    """Root can unmount nothing and mount no sysfs; modules stay simulated."""
    program = """
    umount /sys; umount -l /sys; mount -t sysfs other /mnt; ls /mnt
    unshare -m umount /sys; unshare -Urm umount /sys; unshare -Urn ls /sys
    cat /proc/1/root/sys/kernel/uevent_seqnum
    """
    done = _run(on_fuse("sh", "-c", program))

    assert "bus\nclass\ndevices\nkernel\nmodule\n" in done.stdout
    assert "uevent_seqnum" not in done.stdout
    assert "No such file or directory" in done.stderr.splitlines()[-1]


def test_two_hundred_runs_at_once_leave_nothing() -> None:
    """No processes, mounts or files."""
    marked = Marked()
    before = _what_is_there()

    def one(index: int) -> tuple[int, str]:
        done = _run(
            on_fuse("cat", f"{VF}/vendor", options=["--set", "vfs=2"]),
            env=marked.environment,
        )
        return done.returncode, done.stdout + done.stderr

    with ThreadPoolExecutor(20) as pool:
        results = set(pool.map(one, range(200)))

    assert {(0, "0x15b3\n")} == results
    marked.wait_until_none()
    assert before == _what_is_there()


def _what_is_there() -> dict[str, object]:
    folders = ("/dev", "/etc", "/etc/modprobe.d", "/lib/modules", "/mnt", "/run")
    found: dict[str, object] = {
        one: sorted(os.listdir(one)) for one in folders if os.path.isdir(one)
    }
    return found | {"mounts": Path("/proc/self/mountinfo").read_text()}


def test_ordinary_user_runs_the_tools(tmp_path: Path) -> None:
    """uid 65534 is root on the simulated host only."""
    program = """
    id -u; lspci -n -s 3b:00.2; modprobe mlx5_vfio_pci && lsmod | head -2
    resolver bind 3b:00.3; driverctl list-devices | grep 3b:00.3
    touch /etc/simkernel-was-here && ls /etc/simkernel-was-here
    """
    done = _run(as_nobody(on_fuse("sh", "-c", program)), cwd=tmp_path)

    assert "0\n3b:00.2 0200: 15b3:101e\n" in done.stdout
    assert "mlx5_vfio_pci          12288  0" in done.stdout
    assert "0000:3b:00.3 (15b3:101e): mlx5_core -> mlx5_vfio_pci" in done.stdout
    assert "0000:3b:00.3 mlx5_vfio_pci" in done.stdout
    assert done.stdout.endswith("\n/etc/simkernel-was-here\n")
    assert not os.path.exists("/etc/simkernel-was-here")


def test_files_of_the_machine_do_not_change(tmp_path: Path) -> None:
    """Neither files that the host replaces, nor folders to which it adds files."""
    there = tmp_path / "rules"
    there.mkdir()
    (there / "old").write_text("the machine's")
    (there / "other").write_text("untouched")
    scenario = tmp_path / "files.yaml.j2"
    scenario.write_text(
        "description: Files where the machine has some.\n---\n"
        "kernel: {release: 6.12.0}\n"
        f'files: {{"{there}/old": "the host\'s", "{there}/new/one": "more"}}\n'
    )
    script = f"cat {there}/old {there}/new/one {there}/other; echo changed >{there}/old"
    done = _run(on_fuse("sh", "-c", script, scenario=str(scenario)))

    assert (done.stdout, done.stderr) == ("the host'smoreuntouched", "")
    assert {one.name: one.read_text() for one in there.iterdir()} == {
        "old": "the machine's",
        "other": "untouched",
    }
