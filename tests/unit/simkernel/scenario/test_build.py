"""From a scenario to a host that has come up as the scenario says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from simkernel.errors import ScenarioError
from simkernel.scenario.build import build
from simkernel.scenario.look import look, snapshot
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
    """Return a scenario in which much is said about the start."""
    return parse(HOST.format(release=release, init_errno=init_errno))


def test_modules_are_loaded_in_order_with_what_they_need() -> None:
    """What a module needs is loaded before it."""
    assert list(build(host()).kernel.modules.loaded) == ["base", "nic", "vfio_pci"]


def test_virtual_functions_are_where_they_were_put() -> None:
    """Each function has its driver and override of the start, the others what the
    kernel chose."""
    booted = build(host())
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
    assert look(booted, VF.format(1) + "driver_override") == "(null)\n"
    assert look(booted, VF.format(2) + "driver_override") == "kept\n"


def test_host_that_does_not_come_up_is_told() -> None:
    """A module that cannot be loaded at the start is an error of the scenario."""
    with pytest.raises(ScenarioError) as caught:
        build(host(init_errno="ENODEV"), source="mine")

    assert str(caught.value) == (
        "mine: loaded[0]: the host does not come up: ENODEV (R-MOD-2)"
    )


def test_driver_that_refuses_its_device_at_the_start_is_told() -> None:
    """A device cannot start on a driver whose probe fails."""
    scenario = load("probe_fails")
    variant = "mlx5_vfio_pci"
    (*bridges, card) = scenario.devices
    assert card.sriov is not None
    card = replace(card, sriov=replace(card.sriov, vf_driver=variant))
    broken = replace(scenario, devices=(*bridges, card), loaded=("mlx5_core", variant))

    with pytest.raises(
        ScenarioError, match=r"devices\[1\]: the host does not .*EINVAL"
    ):
        build(broken)


def test_parts_that_do_not_fit_are_told() -> None:
    """Nothing is built of a scenario with problems."""
    with pytest.raises(ScenarioError, match=r"loaded\[0\]: there is no module nic"):
        build(replace(host(), modules=()))


def test_kernel_without_override_only_ids_has_none() -> None:
    """Before 5.16 a driver could not say that an id needs ``driver_override``."""
    old, new = build(host("5.15.0")), build(host("5.16.0"))

    assert [one.aliases for one in old.modules][2] == ()
    assert [one.aliases for one in new.modules][2] == ("vfio_pci:v*d*sv*sd*bc*sc*i*",)


def test_booting_is_no_news() -> None:
    """Uevents and counted writes begin when the host is up."""
    booted = build(host())

    assert booted.kernel.faults.writes == 0


def test_two_hosts_of_a_scenario_are_alike_and_apart() -> None:
    """A scenario makes the same host each time, the boot id apart."""
    first, second = build(host()), build(host())
    trees = [snapshot(one) for one in (first, second)]
    boot_ids = {tree.pop("/proc/sys/kernel/random/boot_id") for tree in trees}

    assert len(boot_ids) == 2
    assert trees[0] == trees[1]

    second.kernel.vanish("0000:01:00.3")
    assert "0000:01:00.3" in first.kernel.pci.devices


@given(hosts())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_host_comes_up_or_its_problems_are_told(scenario: Scenario) -> None:
    """Whatever the schema allows either becomes a host with every device in it, or is
    refused in words."""
    try:
        booted = build(scenario)
    except ScenarioError:
        return
    snapshot(booted)

    assert {one.address for one in scenario.devices} <= set(booted.kernel.pci.devices)
