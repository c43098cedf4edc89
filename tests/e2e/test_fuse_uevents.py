"""Uevents on the fuse tier: netlink listeners, and the machine's own udevd."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.commands import as_nobody, on_fuse
from tests.fuse import needs_fuse

pytestmark = [pytest.mark.real, needs_fuse]

VF = "/sys/bus/pci/devices/0000:3b:00.2"
LISTENER = f"""
import socket, subprocess
hearing = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15)
hearing.bind((0, 1))
hearing.settimeout(60)
open("{VF}/uevent", "w").write("change 01234567-89ab-cdef-0123-456789abcdef A=1")
fields = hearing.recv(4096).decode().split("\\0")
print(*[field for field in fields if not field.startswith("SEQNUM")], sep="\\n")
subprocess.run(["rmmod", "mlx5_core"], check=True)
event = ""
while event != "remove@/module/mlx5_core":
    event = hearing.recv(4096).split(b"\\0")[0].decode()
    print(event)
"""


ORPHANS = """
import os, socket
for _ in range(300):
    if os.fork() == 0:
        for _ in range(3):
            if os.fork() == 0:
                os._exit(0)
        os._exit(0)
    socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15).close()
    os.wait()
"""


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, check=False, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_listener_receives_uevents(user: str) -> None:
    """Also as an ordinary user; the program keeps the machine's network."""
    words = on_fuse(sys.executable, "-c", LISTENER)
    done = _run(as_nobody(words) if user == "nobody" else words)

    devpath = "/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.2"
    lines = done.stdout.splitlines()
    assert lines[:6] == [
        f"change@{devpath}",
        "ACTION=change",
        f"DEVPATH={devpath}",
        "SUBSYSTEM=pci",
        "SYNTH_UUID=01234567-89ab-cdef-0123-456789abcdef",
        "SYNTH_ARG_A=1",
    ]
    assert f"unbind@{devpath}" in lines
    assert (lines[-1], done.returncode) == ("remove@/module/mlx5_core", 0)


def test_socket_call_succeeds_while_orphans_end() -> None:
    """The init process reaps them while it handles the call."""
    done = _run(on_fuse(sys.executable, "-c", ORPHANS))

    assert (done.returncode, done.stderr) == (0, "")


def test_udevadm_sees_the_simulated_devices() -> None:
    """It accepts a file system of type sysfs only."""
    done = _run(on_fuse("udevadm", "info", "--query=property", VF))

    assert "DRIVER=mlx5_core\n" in done.stdout
    assert done.returncode == 0


def test_udevd_acts_on_the_simulated_host_only(tmp_path: Path) -> None:
    """It writes its database and links there; the machine's nodes do not change."""
    program = """
    udevadm info --query=property --property=ID_PATH --value "$1"
    echo 'SUBSYSTEM=="vfio", MODE="0640", SYMLINK+="my-%k"' >/etc/udev/rules.d/1.rules
    udevadm control --reload
    resolver bind 3b:00.2 >/dev/null && udevadm settle
    stat -c '%a %F' /dev/vfio/2; readlink /dev/my-2
    udevadm trigger --settle --action=change "$1" && echo settled
    ls /sys/class/net; cat /proc/net/dev | tail -n +3 | cut -d: -f1
    """
    nodes = [os.stat(f"/dev/{name}") for name in ("null", "fuse", "tty")]
    done = _run(on_fuse("sh", "-c", program, "sh", VF, options=["--udev"]))

    assert done.stdout.split() == [
        "pci-0000:3b:00.2",
        *("640", "character", "special", "file", "vfio/2"),
        "settled",
        *("ens1np0", "ens1v1", "ens1v2", "ens1v3", "lo"),
    ]
    assert done.stderr == ""
    after = [os.stat(f"/dev/{name}") for name in ("null", "fuse", "tty")]
    assert [(one.st_mode, one.st_uid, one.st_gid, one.st_ctime) for one in nodes] == [
        (one.st_mode, one.st_uid, one.st_gid, one.st_ctime) for one in after
    ]
    assert not os.path.exists("/etc/udev/rules.d/1.rules")


def test_udevd_loads_modules_for_new_devices() -> None:
    """The scenario's stand-in for udevd is off, so each module is loaded once."""
    program = """
    rmmod mlx5_core; echo 1 >/sys/bus/pci/devices/0000:3b:00.0/remove
    echo 1 >/sys/bus/pci/rescan; udevadm settle; cut -d' ' -f1 /proc/modules
    """
    done = _run(on_fuse("sh", "-c", program, options=["--udev"]))

    assert (done.stdout, done.stderr) == ("mlx5_core\n", "")
