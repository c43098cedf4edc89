"""Failures and delays that a scenario asks for."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from simkernel.errors import KernelRefusal
from simkernel.fronts.fakefs.host import simulated
from simkernel.host.boot import boot_host
from simkernel.host.host import Host
from simkernel.scenario.render import parse

NIC = "/sys/bus/pci/devices/0000:01:00.0"
DRIVER = "/sys/bus/pci/drivers/slow"


def _host(driver: str = "", module: str = "", rest: str = "") -> Host:
    text = f"""
kernel: {{release: 6.12.0}}
modules:
  - name: slow
    path: kernel/slow.ko
    {module or "license: GPL"}
    drivers: [{{name: slow, ids: [{{id: "1af4:0001"}}], {driver or "sriov: false"}}}]
devices: [{{address: "0000:01:00.0", id: "1af4:0001"}}]
{rest}
"""
    return boot_host(parse(text))


def test_probe_that_defers_by_its_kernel_name() -> None:
    """EPROBE_DEFER is an errno too, inside the kernel."""
    host = _host(driver="probe_errno: EPROBE_DEFER")
    host.kernel.modules.load("slow")
    pci = host.kernel.pci

    with pytest.raises(KernelRefusal, match="temporarily unavailable"):
        pci.bind(pci.drivers["slow"], pci.devices["0000:01:00.0"])


@pytest.mark.parametrize(
    ("driver", "module"), [("probe_ms: 60", ""), ("", "init_ms: 60")]
)
def test_durations_apply(driver: str, module: str) -> None:
    """modprobe returns when the module's init and its probes are over."""
    with simulated(_host(driver, module)):
        before = time.monotonic()
        subprocess.run(["modprobe", "slow"], check=True)
        after = time.monotonic()

        assert after - before >= 0.06
        assert Path(f"{NIC}/driver").exists()


def test_release_that_takes_time_shows_no_driver_meanwhile() -> None:
    """unbind returns when the driver has let go."""
    with simulated(_host("remove_ms: 60")):
        subprocess.run(["modprobe", "slow"], check=True)
        before = time.monotonic()
        Path(f"{DRIVER}/unbind").write_text("0000:01:00.0")

        assert time.monotonic() - before >= 0.06


def test_durations_need_a_clock() -> None:
    """Without a clock, no duration applies, not even an endless one."""
    host = _host("probe_ms: 60000, remove_ms: -1", "init_ms: 60000")

    host.kernel.modules.load("slow")
    host.kernel.modules.unload("slow")

    assert "slow" not in host.kernel.pci.drivers


def test_drivers_may_come_after_their_module() -> None:
    """The module is loaded at once, its driver directory appears later."""
    with simulated(_host(module="late_ms: 80")):
        subprocess.run(["modprobe", "slow"], check=True)
        at_once = Path("/sys/module/slow").exists(), Path(DRIVER).exists()
        time.sleep(0.1)

        assert at_once == (True, False)
        assert Path(f"{NIC}/driver").resolve().name == "slow"


def test_module_may_report_success_and_not_be_there() -> None:
    """modprobe exits 0, and there is no module."""
    with simulated(_host(module="vanishes: true")):
        subprocess.run(["modprobe", "slow"], check=True)

        assert not Path("/sys/module/slow").exists()
        assert not Path(DRIVER).exists()


def test_another_process_acts_just_before_the_write() -> None:
    """It takes the device; the write finds it taken. It is not counted itself."""
    rest = f"faults: [{{at_write: 2, path: {DRIVER}/bind, data: '0000:01:00.0'}}]"
    host = _host(rest=rest)
    host.kernel.pci.autoprobe = False
    host.kernel.modules.load("slow")
    with simulated(host):
        Path(f"{NIC}/driver_override").write_text("\n")
        descriptor = os.open(f"{DRIVER}/bind", os.O_WRONLY)
        with pytest.raises(OSError, match="busy"):
            os.write(descriptor, b"0000:01:00.0")

    assert host.kernel.faults.writes == 2


def test_failure_of_the_other_process_is_its_own() -> None:
    """What it cannot write does not show."""
    rest = f"faults: [{{at_write: 1, path: {DRIVER}/bind, data: nosuch}}]"
    host = _host(rest=rest)
    host.kernel.modules.load("slow")
    with simulated(host):
        Path(f"{NIC}/driver_override").write_text("slow")

        assert Path(f"{NIC}/driver_override").read_text() == "slow\n"


OWNED = """
kernel: {release: 6.12.0}
modules:
  - {name: vfio, path: kernel/vfio.ko}
  - name: vfio_pci
    path: kernel/vfio-pci.ko
    depends: [vfio]
    drivers: [{name: vfio-pci, vfio: true, ids: [{override_only: true}]}]
  - name: nic
    path: kernel/nic.ko
    drivers: [{name: nic, ids: [{id: "1af4:0001"}]}]
loaded: [vfio_pci, nic]
devices:
  - {address: "0000:01:00.0", id: "1af4:0001", iommu_group: 7, driver: vfio-pci}
  - {address: "0000:01:00.1", id: "1af4:0001", iommu_group: 7, driver: none}
owned_groups: [7]
"""


def test_group_in_use_keeps_host_drivers_out() -> None:
    """Its other members can only go to VFIO."""
    with simulated(boot_host(parse(OWNED))):
        descriptor = os.open("/sys/bus/pci/drivers/nic/bind", os.O_WRONLY)

        with pytest.raises(OSError, match="busy"):
            os.write(descriptor, b"0000:01:00.1")


def test_unbinding_a_device_in_use_blocks() -> None:
    """The write does not return; the links are gone, the group's node is not."""
    host = boot_host(parse(OWNED))
    with simulated(host):
        host.kernel.clock.run(time.monotonic, _interrupted)
        descriptor = os.open("/sys/bus/pci/drivers/vfio-pci/unbind", os.O_WRONLY)
        with pytest.raises(KeyboardInterrupt):
            os.write(descriptor, b"0000:01:00.0")

        assert not Path(f"{NIC}/driver").exists()
        assert Path("/dev/vfio/7").exists()


def _interrupted(seconds: float) -> None:
    raise KeyboardInterrupt
