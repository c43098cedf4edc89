"""The fakefs host: its files, and those of a scenario."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from simkernel.fronts.fakefs.host import simulated
from simkernel.host.boot import boot_host
from simkernel.host.host import Host
from simkernel.scenario.render import parse
from tests.bench import host_of


def _host() -> Host:
    return host_of("mlx5_vfio_pci")


def test_host_has_its_own_release_and_files() -> None:
    """uname, the module folder and /proc are those of the scenario."""
    with simulated(_host()):
        release = os.uname().release

        assert release == "6.12.117-amd64"
        assert [release] == os.listdir("/lib/modules")
        assert "mlx5_core 12288" in Path("/proc/modules").read_text()


_WITH_FILES = """
kernel: {release: 6.12.0}
files:
  /etc/driverctl.d/pci-0000:01:00.0: "vfio-pci\\n"
  /proc/cpuinfo: "vendor_id : GenuineIntel\\n"
  /sys/firmware/acpi/tables/DMAR: ""
  /sys/kernel/debug/x: "y"
"""


def test_files_of_a_scenario_complement_the_kernels_files() -> None:
    """Files that the model lacks are readable; its own files stay."""
    with simulated(boot_host(parse(_WITH_FILES))):
        assert Path("/etc/driverctl.d/pci-0000:01:00.0").read_text() == "vfio-pci\n"
        assert Path("/proc/cpuinfo").read_text() == "vendor_id : GenuineIntel\n"
        assert os.listdir("/sys/firmware/acpi/tables") == ["DMAR"]
        assert sorted(os.listdir("/sys/kernel")) == ["debug", "iommu_groups"]
        assert Path("/proc/cmdline").read_text().startswith("BOOT_IMAGE")
        with pytest.raises(PermissionError):
            os.open("/sys/kernel/debug/x", os.O_WRONLY)
