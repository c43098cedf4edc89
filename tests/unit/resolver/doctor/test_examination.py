"""What doctor finds on whole hosts, through the command."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from simkernel.scenario.render import load
from tests.simulated import session

VF = "0000:3b:00.2"


def examined(
    scenario: str, *, before: tuple[str, ...] = (), **settings: str
) -> tuple[int, dict[str, dict[str, Any]]]:
    """Return exit code and findings by id, after a command of resolver's."""
    with session(load(scenario, settings)) as host:
        if before:
            done = host.run("resolver", *before)
            assert done.exit_code == 0, done.stderr
        done = host.run("resolver", "doctor", "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == document["exit_code"]
    return done.exit_code, {one["id"]: one for one in document["findings"]}


@pytest.mark.parametrize(
    ("scenario", "code", "expected"),
    [
        ("mlx5_vfio_pci", 0, {"config-unknown"}),
        ("no_iommu", 1, {"config-unknown", "iommu-off"}),
        ("blacklisted_variant", 1, {"config-unknown", "module-prohibited"}),
        (
            "no_modules_alias",
            1,
            {"aliases-missing", "config-unknown", "variant-missing"},
        ),
        ("locked_down", 1, {"config-unknown", "module-unsigned"}),
        ("denylisted", 0, {"config-unknown", "denylisted"}),
        (
            "ailing_host",
            1,
            {
                "iommu-off",
                "kernel-unchecked",
                "module-prohibited",
                "unsafe-interrupts",
                "variant-missing",
            },
        ),
    ],
)
def test_hosts_are_found_to_be_as_they_are(
    scenario: str, code: int, expected: set[str]
) -> None:
    """Each host has the findings of what its scenario is about, and no others."""
    found = examined(scenario)
    assert (code, expected) == (found[0], set(found[1]))


def test_denylist_turned_off_is_no_finding() -> None:
    """An option in modprobe.d counts before the module is loaded, and after."""
    assert "denylisted" not in examined("denylisted", disable="yes")[1]
    bound = examined("denylisted", before=("bind", "3d:00.1"), disable="yes")[1]
    assert "denylisted" not in bound


def test_a_module_on_the_kernels_own_list_is_prohibited() -> None:
    """module_blacklist= concerns the driver that the devices would get."""
    with session(load("ailing_host", {})) as host:
        document = json.loads(host.run("resolver", "doctor", "--json").stdout)
    messages = [
        one["message"]
        for one in document["findings"]
        if one["id"] == "module-prohibited"
    ]
    assert any(
        "module vfio_pci is prohibited" in one and "the kernel command line" in one
        for one in messages
    )


@pytest.mark.parametrize(
    ("cpu", "cmdline", "expected"),
    [
        ("GenuineIntel", "quiet", "add intel_iommu=on"),
        ("AuthenticAMD", "amd_iommu=off", "remove amd_iommu=off"),
        ("AuthenticAMD", "quiet", "turn on AMD-Vi"),
    ],
)
def test_iommu_advice_is_for_this_host(cpu: str, cmdline: str, expected: str) -> None:
    """The processor's vendor and the command line decide what to do."""
    found = examined("ailing_host", cpu=cpu, cmdline=cmdline)[1]["iommu-off"]
    assert expected in " | ".join(found["advice"])


def test_devices_of_a_finding_are_named() -> None:
    """The missing variant is for the virtual function, not for the physical one."""
    assert examined("ailing_host")[1]["variant-missing"]["devices"] == [VF]


def test_nodes_of_root_are_noted_until_they_are_handed_over() -> None:
    """Who gave a node away needs no hint how to."""
    bound = examined("booting_host", before=("bind", VF))[1]
    given = examined("booting_host", before=("bind", "--uid", "107", VF))[1]
    assert ("node-of-root" in bound, "node-of-root" in given) == (True, False)


def test_nodes_open_to_all_are_a_warning() -> None:
    """A mode that lets everybody in is found on the node itself."""
    with session(load("booting_host", {})) as host:
        host.run("resolver", "bind", VF)
        os.chmod("/dev/vfio/2", 0o666)
        text = host.run("resolver", "doctor").stdout
    assert "every user may open /dev/vfio/2" in text


def test_a_captured_host_is_examined(tmp_path: Path) -> None:
    """What was copied from a host is enough, and nothing of this one is read."""
    release = "6.12.0-captured"
    files = {
        "proc/cmdline": "quiet iommu=off\n",
        "proc/cpuinfo": "vendor_id\t: AuthenticAMD\n",
        f"lib/modules/{release}/modules.alias": "alias vfio_pci:v*d* vfio_pci\n",
        f"boot/config-{release}": "CONFIG_VFIO=m\n# CONFIG_VFIO_PCI is not set\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "sys/bus/pci/devices").mkdir(parents=True)
    found = _run(tmp_path)
    assert set(found) == {"config-without-vfio", "iommu-off"}
    assert "remove iommu=off" in " | ".join(found["iommu-off"]["advice"])


def test_strange_files_are_no_obstacle(tmp_path: Path) -> None:
    """Directories for files, and no numbers for numbers, count as not there."""
    (tmp_path / "lib/modules/6.12.0").mkdir(parents=True)
    for path in ("proc/cmdline", "proc/config.gz", "proc/cpuinfo"):
        (tmp_path / path).mkdir(parents=True)
    for path, data in {
        "boot/config-6.12.0": b"\xff\0CONFIG_",
        "sys/class/iommu/dmar0/intel-iommu/ecap": b"many",
        "sys/kernel/iommu_groups": b"a file",
        "etc/udev/rules.d": b"a file",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    assert set(_run(tmp_path)) == {
        "aliases-missing",
        "config-without-vfio",
        "iommu-off",
    }


def _run(root: Path) -> dict[str, dict[str, Any]]:
    from resolver.doctor.examination import examine
    from resolver.doctor.report import finding_object
    from resolver.inspect.modules import read_aliases
    from resolver.linux import Host

    host = Host.below(str(root))
    aliases = read_aliases(host, host.module_directory(host.release() or ""))
    findings: list[Any] = [finding_object(one) for one in examine(host, aliases)]
    return {one["id"]: one for one in findings}
