"""What this machine says of its processes, interfaces and devices at work."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from resolver.changes.bind import bind
from resolver.errors import FailedError
from resolver.inspect.devices import read_device
from resolver.linux import Host
from resolver.linux.users import ipv4_addresses, is_claimed
from resolver.matching.alias_index import Aliases, AliasLookup
from resolver.options import Options

pytestmark = pytest.mark.real

VF = "0000:3b:00.2"


def test_addresses_are_those_of_the_interface() -> None:
    """The loopback interface has one everywhere; an interface that is not, none."""
    up = Path("/sys/class/net/lo/operstate").read_text() != "down\n"
    assert ipv4_addresses("lo") == (("127.0.0.1",) if up else ())
    assert ipv4_addresses("no such") == ()


@contextmanager
def reader_of(path: str) -> Iterator[int]:
    """Have a process that has a file open; yield its pid."""
    code = "import sys; file = open(sys.argv[1]); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.communicate("\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="mknod needs root; run as root")
def test_node_is_known_by_its_number(tmp_path: Path) -> None:
    """A container may have it under any name; a file of the same name is no node."""
    node = tmp_path / "card9"
    os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    (tmp_path / "null").touch()
    with reader_of(str(node)) as user, reader_of(str(tmp_path / "null")) as other:
        pids = [pid for pid, _ in Host().openers("null")]
        assert user in pids
        assert other not in pids
        assert user not in [pid for pid, _ in Host().openers("card9")]


def test_node_without_a_number_is_known_by_its_whole_path(captured: Any) -> None:
    """The links of a captured host say no more."""
    host = captured.host
    for pid, target in ((7, "/dev/sda"), (8, "/srv/images/sda"), (9, "/dev/xsda")):
        (captured.root / f"proc/{pid}/fd").mkdir(parents=True)
        (captured.root / f"proc/{pid}/comm").write_text("program\n")
        (captured.root / f"proc/{pid}/fd/3").symlink_to(target)
    assert host.openers("sda") == [(7, "program")]


def test_what_is_no_block_device_cannot_be_tested_for_a_claim(tmp_path: Path) -> None:
    """Nor what is not there: neither is known to be free."""
    (tmp_path / "file").touch()
    assert is_claimed(str(tmp_path / "file"), (0, 0)) is None
    assert is_claimed(str(tmp_path / "nosuch"), (0, 0)) is None
    assert is_claimed("/dev/null", (1, 3)) is None


def test_device_that_the_kernel_is_at_work_on_is_busy(captured: Any) -> None:
    """Reading its override would wait: a look does not, and nothing is changed."""
    captured.driver("mlx5_core")
    path = captured.device(driver="mlx5_core")
    (path / "driver_override").unlink()
    os.mkfifo(path / "driver_override")
    host = captured.hurried_host
    device = read_device(host, "pci", VF)
    assert device.is_busy
    assert (device.binding.driver, device.vendor_device) == ("mlx5_core", "15b3:101e")
    with pytest.raises(FailedError, match="device is busy"):
        bind(host, Aliases(AliasLookup(())), device, Options(driver="vfio-pci"))
    assert os.listdir(host.journal) == []
    # Let the processes go that wait for it, however many are left.
    os.close(os.open(path / "driver_override", os.O_RDWR | os.O_NONBLOCK))


def test_progress_is_shown_on_a_terminal_only(captured: Any) -> None:
    """Data goes to stdout, whole, wherever stderr goes."""
    captured.aliases("vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci")
    captured.driver("mlx5_core")
    captured.driver("vfio-pci", module="vfio_pci")
    for number in range(2, 5):
        captured.device(f"0000:3b:00.{number}", driver="mlx5_core", group=number)
    words = ["--root", str(captured.root), "bind", "--dry-run", "3b:00.*"]
    command = [sys.executable, "-m", "resolver", *words]
    ours, theirs = pty.openpty()
    shown = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    on_terminal = os.read(ours, 1 << 16)
    os.close(ours)
    plain = subprocess.run(command, capture_output=True)
    assert shown.stdout == plain.stdout
    assert plain.stdout.count(b"-> vfio-pci (dry run)") == 3
    assert plain.stderr == b"3 devices: 3 changed\n"
    assert b"3/3" in on_terminal
    assert b"3 devices: 3 changed" in on_terminal
