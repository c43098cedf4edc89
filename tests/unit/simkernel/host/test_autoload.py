"""What udev loads for a new device, and what it never loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from simkernel.fronts.fakefs.host import simulated
from simkernel.host.boot import boot_host
from simkernel.scenario.render import parse
from tests.bench import host_of

CARD = """
kernel: {release: 6.12.0}
modules:
  - {name: vfio, path: kernel/vfio.ko}
  - name: variant
    path: kernel/variant.ko
    depends: [vfio]
    drivers:
      - {name: variant, vfio: true, ids: [{id: "1af4:0001", override_only: true}]}
  - name: plain
    path: kernel/plain.ko
    drivers: [{name: plain, ids: [{id: "1af4:0001"}]}]
udev: true
devices:
  - {address: "0000:01:00.0", id: "1af4:0001"}
"""


def test_plain_alias_is_loaded_and_bound_and_the_vfio_one_never() -> None:
    """Nothing in the kernel or in udev asks for an alias that begins with vfio_."""
    kernel = boot_host(parse(CARD)).kernel

    assert list(kernel.modules.loaded) == ["plain"]
    assert kernel.pci.drivers["plain"] is kernel.pci.devices["0000:01:00.0"].driver


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("vfio_ap_autoload", ["vfio", "vfio_iommu_type1", "mdev", "kvm", "vfio_ap"]),
        ("vfio_ap_blacklisted", []),
        ("vfio_ccw_autoload", ["vfio", "vfio_iommu_type1", "mdev", "vfio_ccw"]),
    ],
)
def test_plain_alias_of_a_vfio_driver_drags_its_modules_in(
    scenario: str, expected: list[str]
) -> None:
    """A device table on the device's own bus loads VFIO on hosts that never use it."""
    assert set(expected) == set(host_of(scenario).kernel.modules.loaded)


def test_upstream_vfio_ap_is_not_loaded() -> None:
    """Without a device table nothing asks for it."""
    host = host_of("vfio_ap_autoload", device_table="false")

    assert host.kernel.modules.loaded == {}


def test_events_of_the_start_tell_the_story() -> None:
    """The device's event comes first, the modules' follow."""
    events = host_of("vfio_ccw_autoload").kernel.uevents.events

    assert str(events[0]).splitlines()[0] == "add@/devices/css0/0.0.0000"
    assert str(events[-1]).splitlines()[0] == "add@/module/vfio_ccw"
    assert "MODALIAS=css:t0" in str(events[0])


def test_device_that_returns_is_loaded_for_on_a_running_host() -> None:
    """Removing and rescanning makes udev act again, through the shown files."""
    host = boot_host(parse(CARD))
    host.kernel.modules.unload("plain")
    with simulated(host):
        Path("/sys/bus/pci/devices/0000:01:00.0/remove").write_text("1")
        Path("/sys/bus/pci/rescan").write_text("1")
        loaded = Path("/proc/modules").read_text().split()[0]
        driver = Path("/sys/bus/pci/devices/0000:01:00.0/driver").resolve().name

    assert (loaded, driver) == ("plain", "plain")
