"""resolver on a bus that is not PCI: the same algorithm, the same way back."""

from __future__ import annotations

import json

from simkernel.scenario.render import load
from tests.simulated import session

DEVICE = "/sys/bus/cdx/devices/cdx-00:00"


def test_cdx_device_goes_to_vfio_cdx_and_back() -> None:
    """``vfio_`` before the bus's modalias leads to the bus's own VFIO driver."""
    with session(load("cdx_vfio")) as host:
        drivers = host.host.kernel.other_buses["cdx"].drivers
        bind = host.run("resolver", "bind", "--json", DEVICE)
        bound = list(drivers["vfio-cdx"].devices)
        restore = host.run("resolver", "restore", DEVICE)
        back = list(drivers["acme_cdx"].devices)

    (device,) = json.loads(bind.stdout)["devices"]
    assert (bind.exit_code, restore.exit_code) == (0, 0), bind.stderr + restore.stderr
    assert bound == back == ["cdx-00:00"]
    assert device["driver"] == "vfio-cdx"
    assert device["alias"] == "vfio_cdx:v*d*sv*sd*c*"
