"""Links of a captured host stay inside it, whatever form they have."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.inspect.devices import all_devices
from resolver.linux import Host

NAME = "0000:3b:00.2"
IDS = {"vendor": "0x15b3", "device": "0x101e", "class": "0x020000"}


def capture(root: Path, link: str, *, as_text: bool) -> Host:
    """Return a host with one function that its bus links to."""
    place = root / "sys/devices/pci0000:3a" / NAME
    place.mkdir(parents=True)
    for name, text in IDS.items():
        (place / name).write_text(f"{text}\n")
    bus = root / "sys/bus/pci/devices"
    bus.mkdir(parents=True)
    if as_text:
        (bus / NAME).write_text(link)
    else:
        (bus / NAME).symlink_to(link)
    return Host.below(str(root))


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(
    "link",
    [
        f"../../../devices/pci0000:3a/{NAME}",
        f"/sys/devices/pci0000:3a/{NAME}",
        f"../../../../sys/devices/pci0000:3a/{NAME}",
    ],
)
def test_device_is_found_by_any_link(tmp_path: Path, link: str, as_text: bool) -> None:
    """Relative or absolute, a symbolic link or its text in a file."""
    host = capture(tmp_path / "host", link, as_text=as_text)
    assert [device.vendor_device for device in all_devices(host)] == ["15b3:101e"]


@pytest.mark.parametrize("as_text", [False, True])
def test_link_to_a_neighbour_of_the_root_leads_nowhere(
    tmp_path: Path, as_text: bool
) -> None:
    """A directory whose name begins like the root's is outside, too."""
    capture(tmp_path / "host2", "unused", as_text=True)
    other = f"sys/devices/pci0000:3a/{NAME}"
    link = f"../../../../../host2/{other}"
    host = capture(tmp_path / "host", link, as_text=as_text)
    (tmp_path / "host" / other / "vendor").unlink()
    assert list(all_devices(host)) == []


@pytest.mark.parametrize("levels", [4, 5, 40])
def test_no_directory_above_the_root_is_read(tmp_path: Path, levels: int) -> None:
    """Links in the middle of a path stop at the root, as in a chroot."""
    secret = tmp_path / "secret"
    secret.write_text("outside\n")
    host = capture(tmp_path / "host", "unused", as_text=True)
    (tmp_path / "host/secret").write_text("inside\n")
    (tmp_path / "host/sys/devices/up").symlink_to("../" * levels)
    assert host.text(f"{host.sys}/devices/up/secret") == "inside\n"
