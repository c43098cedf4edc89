"""Devices that are in use are left alone; who uses them is said."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from simkernel.scenario.render import load
from tests.simulated import Session, session

DISK, NIC, GPU, SOUND, GUESTS = (
    *("0000:01:00.0", "0000:02:00.0", "0000:03:00.0", "0000:03:00.1"),
    "0000:04:00.0",
)


def in_use() -> AbstractContextManager[Session]:
    """Be on a host with a device in each kind of use."""
    return session(load("in_use"))


def outcome(host: Session, *words: str) -> dict[str, Any]:
    """Run a command on one device and return what its document says."""
    done = host.run("resolver", *words, "--json")
    (device,) = json.loads(done.stdout)["devices"]
    assert done.exit_code == device["exit_code"]
    return dict(device)


@pytest.mark.parametrize(
    ("device", "rule", "texts"),
    [
        (
            DISK,
            "disk-in-use",
            ["vg-root on nvme0n1p1 is mounted at /", "nvme0n1p2 is active swap"],
        ),
        (
            NIC,
            "network-in-use",
            [
                "eth0 is a member of bridge br0",
                "eth0 carries the default route",
                "eth0 carries the route to 192.168.1.0/24",
                "eth0 is up and has the address 2001:db8::5",
            ],
        ),
        (
            GPU,
            "node-open",
            [
                "process 777 (Xorg) has /dev/dri/card0 open",
                "it is the graphics card that the host started on",
            ],
        ),
    ],
)
@pytest.mark.parametrize("words", [("bind",), ("unbind",), ("bind", "--dry-run")])
def test_device_in_use_is_refused(
    words: tuple[str, ...], device: str, rule: str, texts: list[str]
) -> None:
    """Every user is named, the same in a dry run, and nothing is changed."""
    with in_use() as host:
        before = host.tree()

        found = outcome(host, *words, device)

        assert (found["exit_code"], found["rule"]) == (3, rule)
        assert found["error"] == f"device is in use: {'; '.join(texts)}"
        assert before == host.tree()
        assert host.names("/run/resolver") == []


@pytest.mark.parametrize("device", [DISK, NIC])
def test_force_takes_the_device_nevertheless(device: str) -> None:
    """That is what it is for."""
    with in_use() as host:
        assert outcome(host, "bind", "--force", device)["exit_code"] == 0
        assert host.driver(device) == "vfio-pci"


@pytest.mark.parametrize("words", [("unbind",), ("bind", "--driver", "e1000e")])
def test_device_of_a_running_guest_is_not_moved(words: tuple[str, ...]) -> None:
    """The process that has the group open is named."""
    with in_use() as host:
        found = outcome(host, *words, GUESTS)

        assert (found["exit_code"], found["rule"]) == (3, "node-open")
        assert "process 4242 (qemu-system-x86) has /dev/vfio/30 open" in found["error"]


def test_device_on_the_wanted_driver_needs_no_question() -> None:
    """Nothing is taken from anybody."""
    with in_use() as host:
        assert outcome(host, "bind", GUESTS)["changed"] is False


def test_half_a_group_is_refused() -> None:
    """VFIO could not open it; the other half is named, and the way out."""
    with in_use() as host:
        found = outcome(host, "bind", SOUND)

        assert (found["exit_code"], found["rule"]) == (3, "group-shared")
        assert f"{GPU} (1002:744c) on amdgpu" in found["error"]
        assert "--group" in found["hint"]


def test_group_is_bound_with_all_members_or_not_at_all() -> None:
    """One is in use, so that the other is not touched either; force takes both."""
    with in_use() as host:
        refused = host.run("resolver", "bind", "--group", SOUND)
        assert refused.exit_code == 3
        assert (host.driver(GPU), host.driver(SOUND)) == ("amdgpu", "snd_hda_intel")

        assert host.run("resolver", "bind", "--group", "--force", SOUND).exit_code == 0
        assert (host.driver(GPU), host.driver(SOUND)) == ("vfio-pci", "vfio-pci")


def test_named_members_of_a_group_go_together() -> None:
    """Whoever names both need not say --group."""
    scenario = load("in_use")
    files = {path: t for path, t in scenario.files.items() if "boot_vga" not in path}
    processes = tuple(one for one in scenario.processes if one.pid != 777)
    with session(replace(scenario, files=files, processes=processes)) as host:
        assert host.run("resolver", "bind", GPU, SOUND).exit_code == 0
        assert host.run("resolver", "restore", "--all").exit_code == 0
        assert (host.driver(GPU), host.driver(SOUND)) == ("amdgpu", "snd_hda_intel")


def test_physical_function_with_virtual_ones_is_refused() -> None:
    """They would go with its driver."""
    with session(load("mlx5_vfio_pci")) as host:
        found = outcome(host, "unbind", "3b:00.0")
    assert found["rule"] == "vfs-enabled"
    assert "4 virtual functions of it are enabled" in found["error"]


@pytest.mark.parametrize(
    ("device", "rule"),
    [
        ("0000:01:00.0", "disk-in-use"),
        ("0000:02:00.0", "network-in-use"),
        ("0000:03:00.0", "node-open"),
        ("0000:03:00.1", "group-shared"),
        ("0000:04:00.0", None),
    ],
)
def test_explain_says_what_bind_would_refuse(device: str, rule: str | None) -> None:
    """Not of a device that its best driver has already, though a guest has it open."""
    with session(load("in_use")) as host:
        found = outcome(host, "explain", device)
    assert (found["exit_code"], found["rule"]) == (0, rule)


@pytest.mark.parametrize(
    ("vendor", "command_line", "advice"),
    [
        ("GenuineIntel", "ro", "VT-d in the firmware setup; add intel_iommu=on to"),
        ("AuthenticAMD", "ro", "turn on AMD-Vi (often called IOMMU) in the firmware"),
        ("AuthenticAMD", "amd_iommu=off", "remove amd_iommu=off from the kernel"),
        ("GenuineIntel", "iommu=off", "remove iommu=off from the kernel command line"),
        ("GenuineIntel", "intel_iommu=on", "turn on VT-d in the firmware setup"),
    ],
)
def test_host_without_iommu_is_told_what_to_add(
    vendor: str, command_line: str, advice: str
) -> None:
    """By what its processor and its command line say."""
    scenario = load("no_iommu")
    scenario = replace(
        scenario,
        kernel=replace(scenario.kernel, cmdline=command_line),
        files={"/proc/cpuinfo": f"processor\t: 0\nvendor_id\t: {vendor}\n"},
    )
    assert scenario.expected is not None
    with session(scenario) as host:
        found = outcome(host, "bind", "--force", scenario.expected.device)
    assert (found["exit_code"], found["rule"]) == (3, "no-iommu-group")
    assert advice in found["hint"]
