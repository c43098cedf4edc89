"""The denylist of vfio-pci."""

from __future__ import annotations

from errno import EINVAL

import pytest

from simkernel.errors import KernelRefusal
from simkernel.host.boot import boot_host
from simkernel.scenario.render import parse

TEXT = """
kernel: {release: 6.12.0}
modules:
  - name: vfio
    path: kernel/vfio.ko
  - name: vfio_pci
    path: kernel/vfio-pci.ko
    depends: [vfio]
    parameters: [{name: disable_denylist, type: bool, default: "N", mode: "0444"}]
    drivers:
      - name: vfio-pci
        vfio: true
        ids: [{override_only: true}]
        denied: ["8086:37c9"]
        denial_parameter: disable_denylist
devices:
  - {address: "0000:01:00.0", id: "8086:37c9", driver_override: vfio-pci}
  - {address: "0000:01:00.1", id: "8086:37c8", driver_override: vfio-pci}
"""


@pytest.mark.parametrize(
    ("options", "errno"), [("", EINVAL), ("disable_denylist=1", 0)]
)
def test_denied_functions_are_refused_by_probe(options: str, errno: int) -> None:
    """R-VFIO-9: only the functions on the list, and only while the list holds."""
    host = boot_host(parse(TEXT)).kernel
    host.modules.load("vfio")
    host.modules.load("vfio_pci", options)
    denied, other = (host.pci.devices[f"0000:01:00.{n}"] for n in (0, 1))
    assert other.driver is not None
    if not errno:
        assert denied.driver is not None
        return
    with pytest.raises(KernelRefusal) as caught:
        host.pci.bind(host.pci.drivers["vfio-pci"], denied)
    assert (errno, "R-VFIO-9") == (caught.value.errno, caught.value.rule)
