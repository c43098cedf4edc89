"""``simkernel record``: what is kept of a host, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from simkernel.cli import cli
from simkernel.errors import UsageError
from simkernel.recording.capture import RecordedHost, record
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
        """Record the copy."""
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


def test_recording_does_not_identify_the_host(copy: Copy) -> None:
    """It has no MAC address, serial number, host name, or line about another module."""
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
    """resolver reports the line that blacklists a module."""
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


def test_driver_without_a_module_is_kept(copy: Copy) -> None:
    """Its device has the driver at boot."""
    copy.device("0000:01:01.0", driver="orphan", group=4)
    copy.add("sys/bus/pci/drivers/orphan/bind", "")

    recording = copy.record()

    assert recording.notes == ()
    assert recording.scenario.devices[1].driver == "orphan"


def test_virtual_functions_of_their_own_group_stay_virtual() -> None:
    """The scenario describes them by the SR-IOV capability."""
    with Sim("mlx5_vfio_pci", {"vfs": 3}, via="fakefs") as sim, sim.inside():
        recording = record()

    (sriov,) = [one.sriov for one in recording.scenario.devices if one.sriov]
    assert (sriov.enabled, sriov.offset, sriov.vf_netdev) == (3, 2, "ens1v{index}")
    assert recording.notes == ()


@pytest.mark.parametrize(("group", "is_virtual"), [(0, True), (9, False)])
def test_virtual_functions_keep_their_group(
    copy: Copy, group: int, is_virtual: bool
) -> None:
    """They become devices of their own if their group number would change."""
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
def test_directory_without_a_host_is_refused(copy: Copy, gone: str) -> None:
    """The error names the missing file."""
    (copy.root / gone).rename(copy.root / "gone")

    with pytest.raises(UsageError, match=gone):
        copy.record()


def test_output_that_cannot_be_written_is_an_error(copy: Copy) -> None:
    """The command does not fall back to stdout."""
    words = ["record", "--root", str(copy.root), "--output", str(copy.root / "no/file")]
    done = CliRunner().invoke(cli, words)

    assert isinstance(done.exception, UsageError)
    assert "cannot write" in str(done.exception)
