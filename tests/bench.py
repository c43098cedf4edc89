"""A small simulated host for tests, changed at will."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simkernel.errors import KernelRefusal
from simkernel.host.boot import boot_host
from simkernel.model.kernel import Kernel
from simkernel.model.pci.function import PciDevice
from simkernel.scenario.render import load, parse

__all__ = ["GPU", "NIC", "VF", "bench", "device", "host_of", "refusal_of"]

NIC = "0000:01:00.0"
"""A function that modules host_nic and other_nic have in their tables."""
GPU = "0000:01:00.1"
"""A function that no module has in a table; it shares the NIC's IOMMU group."""
VF = "0000:02:00.1"
"""First virtual function of 0000:02:00.0, once enabled."""

_TEXT = """
kernel: {{release: {release}, vfio_cdev: true, iommu: {iommu}}}
modules:
  - name: vfio
    path: kernel/vfio.ko
    parameters: [{{name: enable_unsafe_noiommu_mode, type: bool, default: "N"}}]
  - name: vfio_pci
    path: kernel/vfio-pci.ko
    depends: [vfio]
    drivers: [{{name: vfio-pci, vfio: true, ids: [{{override_only: true}}]}}]
  - name: host_nic
    path: kernel/host_nic.ko
    version: "1.0"
    parameters: [{{name: debug}}, {{name: fast, type: bool, default: "N"}}]
    drivers:
      - name: host_nic
        sriov: true
        ids: [{{id: "1af4:0001"}}, {{id: "1af4:0003"}}]
  - name: other_nic
    path: kernel/other_nic.ko
    drivers: [{{name: other-nic, ids: [{{id: "1af4:0001"}}]}}]
  - name: broken
    path: kernel/broken.ko
    drivers: [{{name: broken, probe_errno: {probe_errno}, ids: [{{id: "1af4:0001"}}]}}]
  - {{name: helper, path: kernel/helper.ko, builtin: true}}
  - {{name: tuned, path: kernel/tuned.ko, builtin: true, parameters: [{{name: depth}}]}}
  - {{name: no_start, path: kernel/no_start.ko, init_errno: ENODEV}}
loaded: {loaded}
devices:
  - address: "0000:01:00.0"
    id: "1af4:0001"
    class: "020000"
    iommu_group: 7
    netdev: eth0
  - {{address: "0000:01:00.1", id: "1af4:0002", class: "030000", iommu_group: 7}}
  - address: "0000:02:00.0"
    id: "1af4:0003"
    class: "020000"
    sriov: {{total_vfs: 4, vf_device: "0001"}}
"""


def bench(
    *loaded: str,
    release: str = "6.12.0",
    probe_errno: str = "EINVAL",
    iommu: bool = True,
) -> Kernel:
    """Return the kernel of the bench with some modules loaded."""
    text = _TEXT.format(
        loaded=list(loaded), release=release, probe_errno=probe_errno, iommu=iommu
    ).replace("'", '"')
    return boot_host(parse(text)).kernel


def device(kernel: Kernel, name: str) -> PciDevice:
    """Return a PCI device by name."""
    return kernel.pci.devices[name]


def host_of(scenario: str, **settings: object):  # type: ignore[no-untyped-def]
    """Return the host of a scenario that comes with simkernel."""
    values = {key: str(value) for key, value in settings.items()}
    return boot_host(load(scenario, values), source=scenario)


def refusal_of(operation: Callable[[], object]) -> tuple[int | None, str]:
    """Return errno and rule with which the kernel refuses an operation."""
    with pytest.raises(KernelRefusal) as caught:
        operation()
    return caught.value.errno, caught.value.rule
