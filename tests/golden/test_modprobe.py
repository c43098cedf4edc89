"""What modprobe makes of a variant's alias, beside what resolver does."""

from __future__ import annotations

from simkernel.scenario.render import load
from tests.simulated import session

VIRTIO = "0000:5e:00.1"


def test_resolver_binds_the_variant_that_modprobe_names_last() -> None:
    """``modprobe -R`` alone would take vfio_pci for a virtio function, as its alias
    fits too; resolver takes the one that fits more closely."""
    with session(load("virtio_vfio_pci")) as host:
        modalias = host.read(f"/sys/bus/pci/devices/{VIRTIO}/modalias")
        named = host.kmod("modprobe", "-R", f"vfio_{modalias}").stdout.split()
        host.run("resolver", "bind", VIRTIO)

    assert named == ["vfio_pci", "virtio_vfio_pci"]
    assert host.driver(VIRTIO) == "virtio_vfio_pci"
    assert "vfio_pci" not in host.modules


def test_modprobe_of_the_alias_loads_both_modules() -> None:
    """``modprobe`` of an alias loads every module that fits, so it cannot choose."""
    with session(load("virtio_vfio_pci")) as host:
        modalias = host.read(f"/sys/bus/pci/devices/{VIRTIO}/modalias")
        host.kmod("modprobe", f"vfio_{modalias}")

    assert {"vfio_pci", "virtio_vfio_pci"} <= set(host.modules)
    assert host.driver(VIRTIO) == "virtio-pci"
