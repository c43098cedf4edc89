"""Uevent sockets."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from simkernel.fronts.fakefs.host import simulated
from simkernel.host.host import Host
from tests.bench import host_of


def _host() -> Host:
    return host_of("mlx5_vfio_pci")


def test_netlink_socket_receives_uevents() -> None:
    """A listener receives uevents, and select works on its socket."""
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
def test_select_returns_at_once_if_no_uevent_can_arrive(tmp_path: Path) -> None:
    """The program's only thread waits, so the kernel cannot act."""
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
