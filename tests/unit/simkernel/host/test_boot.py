"""From a scenario to a host that has come up as the scenario says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from simkernel.errors import ScenarioError
from simkernel.filesystems.node import Attribute
from simkernel.filesystems.sysfs.root import sysfs
from simkernel.host.boot import boot_host
from simkernel.host.content import read_path, snapshot
from simkernel.scenario.render import load, parse
from simkernel.scenario.schema import Scenario
from tests.strategies import hosts

VF = "/sys/bus/pci/devices/0000:01:00.{}/"
HOST = """
kernel: {{release: {release}}}
modules:
  - {{name: base, path: kernel/base.ko, init_errno: "{init_errno}"}}
  - name: nic
    path: kernel/nic.ko
    depends: [base]
    drivers: [{{name: nic, sriov: true, ids: [{{id: "1af4:*"}}]}}]
  - name: vfio_pci
    path: kernel/vfio-pci.ko
    drivers: [{{name: vfio-pci, vfio: true, ids: [{{override_only: true}}]}}]
loaded: [nic, vfio_pci]
devices:
  - address: "0000:01:00.0"
    id: "1af4:0001"
    sriov:
      total_vfs: 3
      vf_device: "0002"
      enabled: 3
      vfs:
        - {{index: 0, driver: vfio-pci}}
        - {{index: 1, driver: none, driver_override: kept}}
"""


def host(release: str = "6.12.0", init_errno: str = "") -> Scenario:
    """Return a scenario with many keys about the state at boot."""
    return parse(HOST.format(release=release, init_errno=init_errno))


def test_modules_are_loaded_in_order_with_what_they_need() -> None:
    """What a module needs is loaded before it."""
    assert list(boot_host(host()).kernel.modules.loaded) == ["base", "nic", "vfio_pci"]


def test_virtual_functions_are_where_they_were_put() -> None:
    """Each function has its driver and override of the start, the others what the
    kernel chose."""
    booted = boot_host(host())
    devices = booted.kernel.pci.devices
    drivers = {
        name: one.driver.name if one.driver else None for name, one in devices.items()
    }

    assert drivers == {
        "0000:01:00.0": "nic",
        "0000:01:00.1": "vfio-pci",
        "0000:01:00.2": None,
        "0000:01:00.3": "nic",
    }
    assert read_path(booted, VF.format(1) + "driver_override") == "(null)\n"
    assert read_path(booted, VF.format(2) + "driver_override") == "kept\n"


def test_failed_boot_is_an_error() -> None:
    """A module that cannot be loaded at the start is an error of the scenario."""
    with pytest.raises(ScenarioError) as caught:
        boot_host(host(init_errno="ENODEV"), source="mine")

    assert str(caught.value) == ("mine: loaded[0]: boot failed: ENODEV (R-MOD-2)")


def test_failed_probe_at_boot_is_an_error() -> None:
    """A device cannot boot with a driver that fails to probe."""
    scenario = load("probe_fails")
    variant = "mlx5_vfio_pci"
    (*bridges, card) = scenario.devices
    assert card.sriov is not None
    card = replace(card, sriov=replace(card.sriov, vf_driver=variant))
    broken = replace(scenario, devices=(*bridges, card), loaded=("mlx5_core", variant))

    with pytest.raises(ScenarioError, match=r"devices\[1\]: boot failed: EINVAL"):
        boot_host(broken)


def test_contradictory_scenario_is_refused() -> None:
    """Nothing is built of a scenario with problems."""
    with pytest.raises(ScenarioError, match=r"loaded\[0\]: no module nic"):
        boot_host(replace(host(), modules=()))


def test_kernel_without_override_only_ids_has_none() -> None:
    """Before 5.16 a driver could not say that an id needs ``driver_override``."""
    old, new = boot_host(host("5.15.0")), boot_host(host("5.16.0"))

    assert [one.aliases for one in old.modules][2] == ()
    assert [one.aliases for one in new.modules][2] == ("vfio_pci:v*d*sv*sd*bc*sc*i*",)


def test_booting_is_no_news() -> None:
    """Uevents and counted writes begin when the host is up."""
    booted = boot_host(host())

    assert booted.kernel.faults.writes == 0


def test_two_hosts_of_a_scenario_are_alike_and_apart() -> None:
    """A scenario makes the same host each time, the boot id apart."""
    first, second = boot_host(host()), boot_host(host())
    trees = [snapshot(one) for one in (first, second)]
    boot_ids = {tree.pop("/proc/sys/kernel/random/boot_id") for tree in trees}

    assert len(boot_ids) == 2
    assert trees[0] == trees[1]

    second.kernel.hot_unplug("0000:01:00.3")
    assert "0000:01:00.3" in first.kernel.pci.devices


@given(hosts())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_host_boots_or_its_problems_are_reported(scenario: Scenario) -> None:
    """Whatever the schema allows either becomes a host with every device in it, or is
    refused in words."""
    try:
        booted = boot_host(scenario)
    except ScenarioError:
        return
    snapshot(booted)

    assert {one.address for one in scenario.devices} <= set(booted.kernel.pci.devices)


OUT_OF_TREE = """
kernel: {release: 6.12.0, compressed_modules: true}
build_folder: /root/built
modules:
  - {name: base, path: kernel/base.ko}
  - {name: own, path: extra/own.ko, info: {version: "3", license: MIT}}
  - {name: early, path: kernel/early.ko, listed: false, depends: [base]}
  - {name: core, path: kernel/core.ko, builtin: true, listed: false}
loaded: [early]
devices:
  - {address: "0000:00:01.0", id: "1af4:0001", express: false}
  - {address: "0000:00:02.0", id: "1af4:0001"}
"""


def test_files_of_modules_lie_where_the_scenario_says() -> None:
    """Compressed or not, in the folder of their build too, or nowhere."""
    built = boot_host(parse(OUT_OF_TREE))
    files = dict(built.module_files())
    folder = "/lib/modules/6.12.0"

    assert [path for path in files if ".ko" in path] == [
        f"{folder}/kernel/base.ko.xz",
        f"{folder}/extra/own.ko",
        "/root/built/own.ko",
    ]
    assert files[f"{folder}/extra/own.ko"] == files["/root/built/own.ko"]
    assert files[f"{folder}/modules.builtin"] == b""
    assert list(built.kernel.modules.loaded) == ["base", "early"]


def test_module_info_is_written_in_its_order() -> None:
    """Also the sum of its sources, which a module with a version has."""
    own = next(
        one for one in boot_host(parse(OUT_OF_TREE)).modules if one.name == "own"
    )

    assert [key for key, _ in own.info] == ["version", "license", "srcversion"]
    assert re.fullmatch("[0-9A-F]{23}", dict(own.info)["srcversion"])


def test_conventional_function_has_no_link_and_little_configuration() -> None:
    """256 bytes without capabilities; a PCI Express function has more of both."""
    tree = sysfs(boot_host(parse(OUT_OF_TREE)).kernel)
    sizes = {}
    for name in ("0000:00:01.0", "0000:00:02.0"):
        config = tree.resolve(f"bus/pci/devices/{name}/config")
        assert isinstance(config, Attribute)
        has_link = tree.resolve(f"bus/pci/devices/{name}/max_link_speed") is not None
        sizes[name] = (config.size, len(tree.read(config)), has_link)

    assert sizes == {
        "0000:00:01.0": (256, 256, False),
        "0000:00:02.0": (4096, 4096, True),
    }
