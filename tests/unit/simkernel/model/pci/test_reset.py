"""Resetting and enabling functions, and the bridges above them."""

from __future__ import annotations

from errno import EINVAL, ENODEV, ENOTTY

import pytest

from simkernel.errors import KernelRefusal
from simkernel.host.boot import boot_host
from simkernel.model.kernel import Kernel
from simkernel.model.pci import enabling, reset
from simkernel.scenario.render import parse

_TEXT = """
kernel: {release: 6.12.0}
modules:
  - name: pcieportdrv
    path: kernel/pcieportdrv.ko
    builtin: true
    drivers: [{name: pcieport, ports: true, ids: [{class: 060400/ffffff}]}]
devices:
  - {address: "0000:00:01.0", id: "1af4:0001", class: "060400", secondary_bus: "01"}
  - {address: "0000:01:00.0", id: "1af4:0002", reset_methods: [pm, flr]}
  - {address: "0000:00:02.0", id: "1af4:0003"}
"""
PORT, BELOW, ROOT = "0000:00:01.0", "0000:01:00.0", "0000:00:02.0"
TWIN = '  - {address: "0000:01:00.1", id: "1af4:0002"}\n'


def _kernel(more: str = "") -> Kernel:
    return boot_host(parse(_TEXT + more)).kernel


def test_function_alone_on_its_bus_is_reset_by_it() -> None:
    """The first that is found behind a bridge is alone; on a root bus none is."""
    devices = _kernel(TWIN).pci.devices

    assert devices[BELOW].reset_methods == ("flr", "pm", "bus")
    assert devices["0000:01:00.1"].reset_methods == ()
    assert not devices["0000:01:00.1"].can_reset
    assert not devices[ROOT].can_reset


def test_methods_are_looked_for_again_on_default() -> None:
    """What worked when the function was found may not work any more."""
    kernel = _kernel(TWIN)
    device = kernel.pci.devices[BELOW]

    assert reset.find(device) == ("flr", "pm")
    reset.choose(device, ["pm", "pm"])
    assert device.reset_methods == ("pm", "pm")
    with pytest.raises(KernelRefusal) as refusal:
        reset.choose(device, ["bus"])
    assert (refusal.value.errno, refusal.value.rule) == (EINVAL, "R-PCI-6")
    kernel.pci.stop_and_remove(kernel.pci.devices["0000:01:00.1"])
    reset.choose(device, ["bus"])


def test_reset_needs_a_method_that_works_now() -> None:
    """A bus that has got a second function cannot be reset for the first."""
    kernel = _kernel(TWIN)
    device = kernel.pci.devices[BELOW]

    device.reset_methods = ("bus",)
    with pytest.raises(KernelRefusal) as refusal:
        reset.reset(device)

    assert (refusal.value.errno, refusal.value.rule) == (ENOTTY, "R-PCI-5")
    kernel.pci.stop_and_remove(kernel.pci.devices["0000:01:00.1"])
    reset.reset(device)


def test_enabling_a_function_enables_the_bridge() -> None:
    """The bridge is counted once, and stays enabled when the function is not."""
    kernel = _kernel()
    port, below = kernel.pci.devices[PORT], kernel.pci.devices[BELOW]
    kernel.pci.release(port)
    assert (port.enabled, below.enabled) == (0, 0)

    enabling.enable(below)
    assert (port.enabled, below.enabled) == (1, 1)
    enabling.enable(below)
    assert (port.enabled, below.enabled) == (1, 2)

    enabling.disable(below)
    enabling.disable(below)
    assert (port.enabled, below.enabled) == (1, 0)


def test_driver_of_ports_takes_and_enables_ports_only() -> None:
    """It has the bridge from the start, and refuses a function that is none."""
    kernel = _kernel()
    driver = kernel.pci.drivers["pcieport"]
    root = kernel.pci.devices[ROOT]
    root.driver_override = b"pcieport"

    assert kernel.pci.devices[PORT].enabled == 1
    with pytest.raises(KernelRefusal) as refusal:
        kernel.pci.bind(driver, root)

    assert (refusal.value.errno, refusal.value.rule) == (ENODEV, "R-PCI-10")


def test_all_bridges_above_a_function_are_enabled() -> None:
    """R-PCI-10: from the root down, each once."""
    text = """
kernel: {release: 6.12.0}
devices:
  - {address: "0000:00:01.0", id: "1af4:0001", class: "060400", secondary_bus: "01"}
  - {address: "0000:01:00.0", id: "1af4:0001", class: "060400", secondary_bus: "02"}
  - {address: "0000:02:00.0", id: "1af4:0002"}
"""
    devices = boot_host(parse(text)).kernel.pci.devices

    for _ in range(2):
        enabling.enable(devices["0000:02:00.0"])

    assert [one.enabled for one in devices.values()] == [1, 1, 2]


def test_list_of_methods_has_a_limit() -> None:
    """R-PCI-6: fewer than the kernel knows, which are seven."""
    device = _kernel().pci.devices[BELOW]

    reset.choose(device, ["pm"] * 6)
    assert device.reset_methods == ("pm",) * 6
    with pytest.raises(KernelRefusal) as refusal:
        reset.choose(device, ["pm"] * 7)

    assert (refusal.value.errno, refusal.value.rule) == (EINVAL, "R-PCI-6")
    assert device.reset_methods == ("pm",) * 6
