"""udevd and udevadm on the fuse tier: devices get their drivers, but no variant."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.commands import on_fuse
from tests.fuse import needs_fuse
from tests.programs import needs

pytestmark = [pytest.mark.real, needs_fuse, needs("systemd-udevd")]

VF = "/sys/bus/pci/devices/0000:3b:00.2"
PF = "/sys/bus/pci/devices/0000:3b:00.0"


def _run(program: str) -> list[str]:
    words = on_fuse("sh", "-ec", program, options=["--udev", "--set", "vfs=2"])
    done = subprocess.run(
        words, check=False, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_properties_are_those_of_the_simulated_device() -> None:
    """From the uevent and the machine's hardware database."""
    lines = _run(f"udevadm info --query=property {VF}")

    assert "DRIVER=mlx5_core" in lines
    assert "PCI_SLOT_NAME=0000:3b:00.2" in lines
    assert "ID_VENDOR_FROM_DATABASE=Mellanox Technologies" in lines
    (modalias,) = (line for line in lines if line.startswith("MODALIAS="))
    assert modalias.startswith("MODALIAS=pci:v000015B3d0000101E")


def test_monitor_shows_what_a_bind_does() -> None:
    """udev's events, after the kernel's, in their order."""
    lines = _run(
        "udevadm monitor --udev --subsystem-match=pci >/run/events &\n"
        "until grep -q UDEV /run/events; do sleep 0.05; done\n"
        "resolver bind 3b:00.2 >/dev/null\n"
        "until grep -q '] bind ' /run/events; do sleep 0.05; done; cat /run/events"
    )

    events = [line.split()[2] for line in lines if line.startswith("UDEV  [")]
    assert events == ["unbind", "bind"]


def test_new_functions_get_the_host_driver_and_never_the_variant() -> None:
    """udev loads what ``pci:`` aliases name; a variant's begin with ``vfio_pci:``."""
    lines = _run(
        f"echo 0 >{PF}/sriov_numvfs; modprobe mlx5_vfio_pci\n"
        f"echo 2 >{PF}/sriov_numvfs; udevadm settle\n"
        f"basename $(readlink {VF}/driver)\n"
        f"resolver bind 3b:00.2 >/dev/null; basename $(readlink {VF}/driver)"
    )

    assert lines == ["mlx5_core", "mlx5_vfio_pci"]


def test_rule_that_names_the_generic_driver_keeps_the_variant_away() -> None:
    """The recipe that people copy; resolver binds to the variant nevertheless."""
    lines = _run(
        "cat >/etc/udev/rules.d/10-vfio.rules <<'E'\n"
        'ACTION=="add", SUBSYSTEM=="pci", ATTR{vendor}=="0x15b3", '
        'ATTR{device}=="0x101e", ATTR{driver_override}="vfio-pci"\n'
        "E\n"
        f"echo 0 >{PF}/sriov_numvfs; udevadm control --reload\n"
        f"echo 0 >{PF}/sriov_drivers_autoprobe; modprobe vfio-pci\n"
        f"echo 2 >{PF}/sriov_numvfs; udevadm settle\n"
        f"cat {VF}/driver_override; echo 0000:3b:00.2 >/sys/bus/pci/drivers_probe\n"
        f"basename $(readlink {VF}/driver)\n"
        f"resolver bind 3b:00.2 >/dev/null; basename $(readlink {VF}/driver)"
    )

    assert lines == ["vfio-pci", "vfio-pci", "mlx5_vfio_pci"]
