"""``simkernel record``: what is kept of a host, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from simkernel.cli import cli
from simkernel.errors import UsageError
from simkernel.recording.capture import RecordedHost, record
from simkernel.recording.devices import InterfaceNames
from simkernel.testing import Sim

ADDRESS = "0000:01:00.0"
RELEASE = "6.12.9-acme"


class Copy:
    """A directory with a copy of a host's files, one PCI device among them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.add("proc/sys/kernel/osrelease", f"{RELEASE}\n")
        self.add("etc/hostname", "gauss\n")
        self.device(ADDRESS, driver="acme", group=3)
        self.link("sys/bus/pci/drivers/acme/module", "../../../../module/acme")
        self.add("proc/modules", "acme 1 0 - Live 0x0\n")
        self.add("sys/module/acme/initstate", "live\n")
        self.link("sys/module/acme/drivers/pci:acme", "../../../bus/pci/drivers/acme")
        self.library(
            "modules.dep", "kernel/acme.ko:\nkernel/acme-vfio.ko: kernel/vfio.ko\n"
        )
        self.library("modules.alias", "alias vfio_pci:v00001B36d* acme_vfio\n")

    def add(self, path: str, text: str) -> None:
        """Write a file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def library(self, name: str, text: str) -> None:
        """Write a file of the module directory."""
        self.add(f"lib/modules/{RELEASE}/{name}", text)

    def link(self, path: str, target: str) -> None:
        """Make a link."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def device(self, address: str, *, driver: str, group: int) -> None:
        """Make a PCI device."""
        path = f"sys/devices/pci0000:01/{address}"
        ids = {"vendor": "0x1b36", "device": "0x7f01", "class": "0x020000"}
        ids |= {"subsystem_vendor": "0x1af4", "subsystem_device": "0x1100"}
        for name, text in ids.items():
            self.add(f"{path}/{name}", f"{text}\n")
        modalias = "pci:v00001B36d00007F01sv00001AF4sd00001100bc02sc00i00"
        self.add(f"{path}/modalias", f"{modalias}\n")
        self.link(f"{path}/driver", f"../../../bus/pci/drivers/{driver}")
        self.link(f"{path}/iommu_group", f"../../../kernel/iommu_groups/{group}")
        self.link(f"sys/bus/pci/devices/{address}", f"../../../../{path}")

    def record(self) -> RecordedHost:
        """Record it."""
        return record(str(self.root))


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """Return a host's copy."""
    return Copy(tmp_path / "root")


def test_a_copy_of_a_host_can_be_recorded(copy: Copy, tmp_path: Path) -> None:
    """It answers as the host would."""
    template = tmp_path / "recorded.yaml.j2"
    template.write_text(copy.record().text())

    with Sim(template, via="fakefs") as sim:
        assert sim.driver_of(ADDRESS) == "acme"
        assert sim.group_of(ADDRESS) == 3
        assert sim.run(["uname", "-r"]).stdout == f"{RELEASE}\n"
        assert "acme_vfio" in sim.run(["resolver", "explain", ADDRESS]).stdout


def test_nothing_tells_whose_host_it_is(copy: Copy) -> None:
    """No MAC address, no name of the host, nothing that is not about its modules."""
    mac, other = "52:54:00:12:34:56", "525400123456"
    copy.add(f"sys/devices/pci0000:01/{ADDRESS}/net/enx{other}/address", mac)
    copy.add(f"sys/devices/pci0000:01/{ADDRESS}/serial_number", "SN-4711")
    copy.add(
        "etc/modprobe.d/acme.conf",
        f"# 4711\noptions acme mac={mac} owner=gauss\noptions sound 4711\n",
    )
    copy.add("proc/cmdline", f"root=UUID=4711 ip=gauss acme.mac={mac} intel_iommu=on\n")

    recording = copy.record()

    for secret in (mac, other, "gauss", "4711", "sound", "SN-"):
        assert secret not in recording.text()
    assert (
        recording.scenario.kernel.cmdline == "acme.mac=00:00:00:00:00:00 intel_iommu=on"
    )
    assert recording.scenario.modprobe_d == {
        "acme.conf": "\noptions acme mac=00:00:00:00:00:00 owner=host\n"
    }
    assert recording.scenario.devices[0].netdev == "net0"


def test_lines_about_a_module_keep_their_number(copy: Copy) -> None:
    """resolver names the line that keeps a module out."""
    copy.add("etc/modprobe.d/b.conf", "# why\nblacklist pcspkr\nblacklist acme-vfio\n")
    copy.add("lib/modprobe.d/b.conf", "blacklist acme\n")
    copy.add("run/modprobe.d/c.conf", "install acme \\\n /bin/false\n")

    scenario = copy.record().scenario

    assert scenario.modprobe_d == {"b.conf": "\n\nblacklist acme-vfio\n"}
    assert scenario.files == {
        "/run/modprobe.d/c.conf": "install acme \\\n /bin/false\n"
    }


def test_notes_name_differences(copy: Copy) -> None:
    """A function of a scenario has at most one network interface."""
    for name in ("eth0", "eth1"):
        copy.add(f"sys/devices/pci0000:01/{ADDRESS}/net/{name}/mtu", "1500")

    assert copy.record().notes == (f"{ADDRESS}: has 1 network interface instead of 2",)


def test_a_driver_of_unknown_origin_is_kept(copy: Copy) -> None:
    """Its device has it at the start."""
    copy.device("0000:01:01.0", driver="of nobody", group=4)
    copy.add("sys/bus/pci/drivers/of nobody/bind", "")

    recording = copy.record()

    assert recording.notes == ()
    assert recording.scenario.devices[1].driver == "of nobody"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ens1f0np0", "ens1f0np0"),
        ("enx525400123456", "net0"),
        ("a-name-of-16-char", "net0"),
        ("br{0}", "net0"),
    ],
)
def test_names_of_interfaces(name: str, expected: str) -> None:
    """Kept, unless they tell the hardware's address or cannot be."""
    assert InterfaceNames().name(name) == expected


def test_virtual_functions_of_their_own_group_stay_virtual() -> None:
    """One recorded host has the same functions as the other."""
    with Sim("mlx5_vfio_pci", {"vfs": 3}, via="fakefs") as sim, sim.inside():
        recording = record()

    (sriov,) = [one.sriov for one in recording.scenario.devices if one.sriov]
    assert (sriov.enabled, sriov.offset, sriov.vf_netdev) == (3, 2, "ens1v{index}")
    assert recording.notes == ()


@pytest.mark.parametrize(("group", "is_virtual"), [(0, True), (9, False)])
def test_virtual_functions_keep_their_group(
    copy: Copy, group: int, is_virtual: bool
) -> None:
    """If need be, by standing by themselves: the kernel gives the lowest free one."""
    virtual = "0000:01:00.1"
    copy.device(virtual, driver="acme", group=group)
    for name, text in (("totalvfs", "4"), ("numvfs", "1"), ("vf_device", "7f01")):
        copy.add(f"sys/devices/pci0000:01/{ADDRESS}/sriov_{name}", f"{text}\n")
    copy.link(f"sys/devices/pci0000:01/{ADDRESS}/virtfn0", f"../{virtual}")
    copy.link(f"sys/devices/pci0000:01/{virtual}/physfn", f"../{ADDRESS}")

    recording = copy.record()

    addresses = [one.address for one in recording.scenario.devices]
    assert (virtual not in addresses) is is_virtual
    text = f"{ADDRESS}: its virtual functions are recorded as devices of their own"
    assert recording.notes == (() if is_virtual else (text,))


@pytest.mark.parametrize("gone", ["sys/bus/pci/devices", "proc/sys/kernel/osrelease"])
def test_what_is_no_host_is_told(copy: Copy, gone: str) -> None:
    """With what is missing."""
    (copy.root / gone).rename(copy.root / "gone")

    with pytest.raises(UsageError, match=gone):
        copy.record()


def test_a_file_that_cannot_be_written_is_told(copy: Copy) -> None:
    """And nothing is printed instead."""
    words = ["record", "--root", str(copy.root), "--output", str(copy.root / "no/file")]
    done = CliRunner().invoke(cli, words)

    assert isinstance(done.exception, UsageError)
    assert "cannot write" in str(done.exception)
