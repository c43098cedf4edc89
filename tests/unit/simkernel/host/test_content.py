"""Reading the files of a host directly."""

from __future__ import annotations

import pytest

from simkernel.errors import UsageError
from simkernel.host.boot import boot_host
from simkernel.host.content import read_path, snapshot
from simkernel.host.host import Host
from simkernel.scenario.render import load

VF = "/sys/bus/pci/devices/0000:3b:00.2"


@pytest.fixture(scope="module")
def host() -> Host:
    """The host of a scenario; nothing here changes it."""
    return boot_host(load("mlx5_vfio_pci"))


def test_file_shows_its_text(host: Host) -> None:
    """A file is shown as reading it would."""
    assert read_path(host, f"{VF}/vendor") == "0x15b3\n"


def test_directory_shows_its_names(host: Host) -> None:
    """A directory is shown as its names, sorted, a line each."""
    assert read_path(host, "/sys/bus/pci/drivers/") == "mlx5_core\npcieport\n"


def test_links_are_followed(host: Host) -> None:
    """A path through links leads where it leads on a host."""
    through = read_path(
        host, f"{VF}/driver/module/drivers/pci:mlx5_core/{VF[-12:]}/device"
    )

    assert through == "0x101e\n"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/etc/passwd", "not below /sys, /proc or /dev"),
        ("sys", None),
        (f"{VF}/nothing", "no such file or directory$"),
        (f"{VF}/vendro", "no such file or directory; did you mean vendor\\?$"),
        (f"{VF}/vendor/more", "no such file or directory"),
        ("/sys/bus/pci/drivers_probe", "write-only file"),
        (f"{VF}/../../../../../../etc/passwd", "no such file or directory"),
    ],
)
def test_path_without_content_is_refused(
    host: Host, path: str, reason: str | None
) -> None:
    """The error gives the reason, and a close name of the directory."""
    if reason is None:
        assert read_path(host, path)
        return
    with pytest.raises(UsageError, match=reason):
        read_path(host, path)


def test_snapshot_has_every_kind_of_file(host: Host) -> None:
    """Text, link, directory, what cannot be read, and what refuses to be."""
    tree = snapshot(host)
    device = "/sys/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.2"

    assert tree[f"{device}/vendor"] == "0x15b3\n"
    assert tree[f"{device}/subsystem"] == "-> ../../../../bus/pci"
    assert tree[f"{device}/"] == ""
    assert tree[f"{device}/config"] == "mode 0644"
    assert tree["/sys/bus/pci/drivers_probe"] == "mode 0200"
    assert tree["/dev/kmsg"] == "EAGAIN"


def test_looking_changes_nothing(host: Host) -> None:
    """Two looks see the same."""
    assert snapshot(host) == snapshot(host)
