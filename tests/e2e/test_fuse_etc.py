"""Files in /etc on the fuse tier, also for an ordinary user.

The machine is prepared in namespaces of the tests' own; its files stay as they are.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import simkernel
from tests.e2e.commands import on_fuse
from tests.fuse import needs_fuse
from tests.programs import needs

pytestmark = [pytest.mark.real, needs_fuse]

OVERLAY = """
mount -t tmpfs upper /mnt; mkdir /mnt/upper /mnt/work
layers=lowerdir=$folder,upperdir=/mnt/upper,workdir=/mnt/work
mount -t overlay -o $layers over $folder
"""
WITH_OVERRIDE = f"""
set -e
folder=/etc
{OVERLAY}
mkdir -p /etc/driverctl.d; echo vfio-pci >/etc/driverctl.d/pci-0000:3b:00.2
exec "$@"
"""
AS_NOBODY = f"""
set -e
for folder in $FOLDERS; do
    {OVERLAY}
    chmod o+rx $folder; umount -l /mnt
done
cd /
exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
"""
"""Lets other users read Python and its packages, for this command."""


def _run(words: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"HOME": "/nonexistent"} | more,
    )


def _closed() -> list[str]:
    """Return the folders above Python that other users cannot enter."""
    ways = [Path(one) for one in (sys.prefix, sys.base_prefix, simkernel.__file__)]
    found = {one: None for way in ways for one in way.parents[::-1]}
    return [str(one) for one in found if one.stat().st_mode & 0o005 != 0o005]


def test_driverctl_overrides_of_the_machine_are_hidden() -> None:
    """Files written to that folder on the host stay."""
    program = "ls /etc/driverctl.d; touch /etc/driverctl.d/new; ls /etc/driverctl.d"
    words = ["unshare", "--user", "--map-root-user", "--mount"]
    words += ["sh", "-c", WITH_OVERRIDE, "sh"]
    done = _run([*words, *on_fuse("sh", "-c", program)])

    assert (done.stdout, done.stderr) == ("new\n", "")


@needs("lspci", "driverctl", "modprobe")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_user_65534_runs_the_tools() -> None:
    """A user without files or privileges on the machine."""
    resolver = Path(sys.executable).with_name("resolver")
    program = f"""
    cat /proc/self/uid_map; lspci -n -s 3b:00.2
    modprobe mlx5_vfio_pci; lsmod | head -2 | tail -1
    driverctl set-override 0000:3b:00.2 mlx5_vfio_pci; driverctl list-overrides
    {resolver} bind 3b:00.3; echo text >/etc/modprobe.d/new.conf; ls /etc/modprobe.d
    """
    words = ["unshare", "--mount", "sh", "-c", AS_NOBODY, "sh"]
    folders = " ".join(_closed())
    done = _run([*words, *on_fuse("sh", "-c", program)], FOLDERS=folders)

    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines == [
        "0 0 1",
        "3b:00.2 0200: 15b3:101e",
        "mlx5_vfio_pci 12288 0",
        "0000:3b:00.2 mlx5_vfio_pci",
        "0000:3b:00.3 (15b3:101e): mlx5_core -> mlx5_vfio_pci",
        "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* (modules.alias)",
        "new.conf",
    ]
    assert done.stderr == ""
