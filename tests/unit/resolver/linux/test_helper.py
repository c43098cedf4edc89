"""System calls that may never return, and the process that makes them.

A named pipe that nobody reads stands in for a driver that does not let go: to open it
for writing waits in the kernel.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from resolver.errors import BlockedError, FailedError
from resolver.linux import Host
from resolver.linux.helper import Helper

pytestmark = pytest.mark.real

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
LOCKS = ("group-7", "pci-0000:3b:00.2")


def pipe(captured: Any) -> str:
    """Return a file that a write to waits for."""
    path = str(captured.root / "sys/unbind")
    os.mkfifo(path)
    return path


def end_of(pid: int) -> None:
    """Wait until a process is no more, or only waits to be noticed."""
    for _ in range(500):
        try:
            if ") Z " in Path(f"/proc/{pid}/stat").read_text():
                return
        except FileNotFoundError:
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} is still there")


def test_write_and_read_are_those_of_the_system(captured: Any) -> None:
    """What is written arrives whole, and errors are those of this process."""
    host = captured.live_host
    file = captured.write("sys/file", b"")
    host.write(str(file), "a\0b\n", timeout_s=5)
    assert file.read_bytes() == b"a\0b\n"
    assert host.slow_attribute(str(file)) == "a\0b"
    assert host.slow_attribute(f"{file}.nosuch") is None
    with pytest.raises(FileNotFoundError) as caught:
        host.write(f"{file}.nosuch", "x", timeout_s=5)
    assert caught.value.filename == f"{file}.nosuch"
    with pytest.raises(IsADirectoryError):
        host.write(str(captured.root), "x", timeout_s=5)


def test_blocked_write_is_told_with_process_and_state(captured: Any) -> None:
    """The process is left alone, and nothing else waits for it."""
    host, path = captured.live_host, pipe(captured)
    host.proc = "/proc"
    begin = time.monotonic()
    with pytest.raises(BlockedError) as caught:
        host.write(path, "x", timeout_s=0.2)
    assert time.monotonic() - begin < 5
    pid = caught.value.pid
    assert pid != os.getpid()
    assert f"process {pid} waits in the kernel (state S" in caught.value.message
    assert Path(f"/proc/{pid}").exists()
    host.write(str(captured.write("sys/file", b"")), "y", timeout_s=5)

    with open(path, "rb") as reader:
        assert reader.read() == b"x"
    end_of(pid)


def test_blocked_write_has_none_of_our_output_open(captured: Any) -> None:
    """Who reads what a command prints is not kept waiting by a driver."""
    code = (
        "import sys; from resolver.linux import Host; from resolver.errors import *\n"
        "try: Host().write(sys.argv[1], 'x', timeout_s=0.1)\n"
        "except BlockedError as problem: print(problem.pid)"
    )
    path = pipe(captured)
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, timeout=30
    )
    pid = int(done.stdout)
    with open(path, "rb") as reader:
        assert reader.read() == b"x"
    end_of(pid)


def test_blocked_write_keeps_the_locks(captured: Any) -> None:
    """No other run comes near the device while what was asked may still happen."""
    host, path = captured.live_host, pipe(captured)
    with pytest.raises(BlockedError) as caught, host.locked(LOCKS, 1):
        host.write(path, "x", timeout_s=0.1)
    pid = caught.value.pid
    assert host.lock_holder(LOCKS[0]) == pid
    with (
        pytest.raises(
            FailedError, match=f"process {pid} .*group-7.lock for over 0.1 s"
        ),
        captured.live_host.locked(LOCKS, 0.1),
    ):
        pass

    with open(path, "rb") as reader:
        reader.read()
    end_of(pid)
    with captured.live_host.locked(LOCKS, 5):
        pass


def test_killed_helper_is_replaced(captured: Any) -> None:
    """The next call starts another one, and a read is repeated."""
    host, file = captured.live_host, captured.write("sys/file", b"old")
    for _ in range(3):
        assert host.slow_attribute(str(file)) in ("old", "new")
        os.kill(host._slow_calls._helper.pid, signal.SIGKILL)
        end_of(host._slow_calls._helper.pid)
        host.write(str(file), "new", timeout_s=5)
    assert file.read_bytes() == b"new"


def test_write_of_a_killed_helper_is_not_repeated(captured: Any) -> None:
    """The kernel may have received it."""
    host, path = captured.live_host, pipe(captured)
    assert host.slow_attribute(str(captured.write("sys/file", b""))) == ""
    pid = host._slow_calls._helper.pid
    timer = threading.Timer(0.2, os.kill, (pid, signal.SIGKILL))
    timer.start()
    with pytest.raises(FailedError, match=f"process {pid} was killed"):
        host.write(path, "x", timeout_s=30)
    timer.join()
    host.write(str(captured.write("sys/other", b"")), "y", timeout_s=5)


def test_helper_ignores_signals(captured: Any) -> None:
    """Every signal that a process group can get, from the first moment."""
    file = captured.write("sys/file", b"")
    for number in (*ENDING, signal.SIGUSR1, signal.SIGALRM, signal.SIGTSTP):
        helper = Helper()
        os.kill(helper.pid, number)
        helper.write(str(file), b"x", 5)


def test_each_thread_has_its_own_locks_and_helper(captured: Any) -> None:
    """Threads that share a host exclude each other."""
    host, inside, overlaps = captured.live_host, [], []
    file = str(captured.write("sys/file", b""))

    def work(number: int) -> None:
        for _ in range(10):
            with host.locked(LOCKS, 60):
                inside.append(number)
                host.write(file, "x", timeout_s=5)
                overlaps.append(len(inside))
                inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlaps == [1] * 40


def test_helper_ends_with_its_process(captured: Any) -> None:
    """However that ends."""
    code = (
        "import os; from resolver.linux.helper import Helper\n"
        "print(Helper().pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    end_of(int(done.stdout))


def test_helper_that_does_not_end_keeps_nobody_waiting() -> None:
    """Whoever happens to drop it goes on; the next one notices its end."""
    helper = Helper()
    pid = helper.pid
    os.kill(pid, signal.SIGSTOP)
    del helper
    os.kill(pid, signal.SIGCONT)
    end_of(pid)
    Helper()
    assert not Path(f"/proc/{pid}").exists()


def test_locks_of_a_killed_process_are_free(captured: Any) -> None:
    """And while it lives, it is named with its command."""
    code = (
        "import sys, time; from resolver.linux.locks import Locks\n"
        "with Locks(sys.argv[1], '/proc').hold(['group-7'], 1):\n"
        "  print('held', flush=True); time.sleep(60)"
    )
    host: Host = captured.live_host
    host.proc = "/proc"
    directory = host.journal
    with subprocess.Popen(
        [sys.executable, "-c", code, directory], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(FailedError) as caught, host.locked(LOCKS, 0.1):
            pass
        process.kill()
    assert f"process {process.pid} ({sys.executable} -c" in caught.value.message
    with host.locked(LOCKS, 1):
        pass


def test_locks_leave_nothing_behind(captured: Any) -> None:
    """Held twice by one process, they are given back once."""
    host: Host = captured.live_host
    with host.locked(LOCKS, 1):
        with host.locked(LOCKS, 1):
            assert sorted(os.listdir(host.journal)) == [f"{n}.lock" for n in LOCKS]
        assert captured.live_host.lock_holder(LOCKS[1]) == os.getpid()
    assert os.listdir(host.journal) == []


def test_locks_are_held_by_one_at_a_time(captured: Any) -> None:
    """Many processes that take and give back the same lock never hold it together."""
    code = (
        "import sys, os; from resolver.linux.locks import Locks\n"
        "for _ in range(40):\n"
        "  with Locks(sys.argv[1], '/proc').hold(['group-7'], 60):\n"
        "    os.close(os.open(sys.argv[2], os.O_CREAT | os.O_EXCL))\n"
        "    os.unlink(sys.argv[2])"
    )
    words = [captured.live_host.journal, str(captured.root / "alone")]
    runs = [subprocess.Popen([sys.executable, "-c", code, *words]) for _ in range(3)]
    assert [run.wait() for run in runs] == [0, 0, 0]


def test_claims_need_one_descriptor(captured: Any) -> None:
    """A run with few descriptors claims thousands of locks, and leaves no file."""
    host: Host = captured.live_host
    names = [f"pci-{number}" for number in range(5000)]
    before = len(os.listdir("/proc/self/fd"))
    with host.claimed(names, 5):
        assert len(os.listdir("/proc/self/fd")) == before + 1
        with host.locked(names[:2], 5):
            host.write(str(captured.write("sys/file", b"")), "x", timeout_s=5)
        other = captured.live_host
        assert other.lock_holder("pci-4999") == os.getpid()
        assert other.lock_holder("pci-5000") is None
        for name in (names[0], names[-1]):
            with (
                pytest.raises(FailedError, match=f"process {os.getpid()} has held"),
                other.locked([name], 0.05),
            ):
                pass
        with other.locked(["pci-5000"], 1):
            pass
    with other.locked(names[:1], 1):
        pass
    assert os.listdir(host.journal) == []


def test_claim_waits_for_locks_and_claims(captured: Any) -> None:
    """It never holds a part of its locks meanwhile."""
    host: Host = captured.live_host
    other: Host = captured.live_host
    for way in (host.locked, host.claimed):
        with way(["b"], 1):
            with (
                pytest.raises(FailedError, match=r"b\.lock"),
                other.claimed("abc", 0.05),
            ):
                pass
            with other.locked("a", 0.05):
                pass
    with other.claimed("abc", 1):
        pass
    assert os.listdir(host.journal) == []


def test_claim_of_a_killed_process_is_free(captured: Any) -> None:
    """The next run removes its file."""
    code = (
        "import os, sys; from resolver.linux.locks import Locks\n"
        "with Locks(sys.argv[1], '/proc').claim(['a', 'b'], 1): os.kill(os.getpid(), 9)"
    )
    host: Host = captured.live_host
    subprocess.run([sys.executable, "-c", code, host.journal], check=False)
    assert len(os.listdir(f"{host.journal}/claims")) == 1
    assert host.lock_holder("a") is None
    with host.locked(["a"], 1), host.claimed(["b"], 1):
        pass
    assert os.listdir(host.journal) == []


def test_pool_worker_may_change_devices(captured: Any) -> None:
    """multiprocessing refuses it children, so one process does all the work."""
    code = (
        "import multiprocessing, sys; from resolver.linux import Host\n"
        "def job(n): return Host(run=sys.argv[1]).workers(2, print) is None\n"
        "with multiprocessing.get_context('fork').Pool(1) as p: print(p.map(job, [0]))"
    )
    words = [sys.executable, "-c", code, str(captured.root)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[True]\n", done.stderr


def test_modprobe_past_its_deadline_keeps_the_locks(
    captured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other run starts a second one."""
    script = captured.write("bin/modprobe", "#!/bin/sh\nexec sleep 100\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    host: Host = captured.live_host
    with pytest.raises(BlockedError) as caught, host.locked(LOCKS, 1):
        host.modprobe("slow", timeout_s=0.3)
    pid = caught.value.pid
    assert [captured.live_host.lock_holder(name) for name in LOCKS] == [pid, pid]

    os.kill(pid, signal.SIGKILL)
    end_of(pid)
    with captured.live_host.locked(LOCKS, 5):
        pass
