"""What this machine says of its processes, interfaces and devices at work."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
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


def test_processes_that_have_a_node_open_are_named(tmp_path: Path) -> None:
    """By what the link in their directory says, wherever their /dev is."""
    node = tmp_path / "vfio/77"
    node.parent.mkdir()
    node.touch()
    code = "import sys; file = open(sys.argv[1]); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(node)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        ((pid, name),) = Host().openers("vfio/77")
        assert Host().openers("vfio/7") == []
        process.communicate("\n")
    assert pid == process.pid
    assert name.startswith("python")


def test_what_is_no_block_device_is_not_claimed(tmp_path: Path) -> None:
    """Nor what is not there."""
    (tmp_path / "file").touch()
    assert not is_claimed(str(tmp_path / "file"))
    assert not is_claimed(str(tmp_path / "nosuch"))


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
    with pytest.raises(FailedError, match="the kernel is at work on the device"):
        bind(host, Aliases(AliasLookup(())), device, Options(driver="vfio-pci"))
    assert os.listdir(host.journal) == []
    # Let the processes go that wait for it, however many are left.
    os.close(os.open(path / "driver_override", os.O_RDWR | os.O_NONBLOCK))


def test_progress_is_shown_on_a_terminal_only(captured: Any) -> None:
    """Data goes to stdout, whole, wherever stderr goes."""
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
