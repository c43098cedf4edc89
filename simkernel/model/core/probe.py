"""The part of probe and remove functions common to all buses.

A bus adds what its own drivers do, through :meth:`Bus.probe` and :meth:`Bus.remove`.
"""

from __future__ import annotations

from simkernel.errors import KernelRefusal
from simkernel.model.core.clock import Clock
from simkernel.model.core.device import Device, Driver
from simkernel.model.core.driver_spec import PciId

__all__ = ["ProbeFailure", "play_probe", "play_remove"]


class ProbeFailure(KernelRefusal):
    """A probe function returned an error; the next driver may try."""


def play_probe(clock: Clock, driver: Driver, device: Device, entry: PciId) -> None:
    """Play the start of a driver's probe function.

    :raises ProbeFailure: with the errno that probe returns.

    Source: drivers/base/dd.c call_driver_probe(). Rule: R-BIND-4.
    """
    spec = driver.spec
    _note_probe(driver, device, entry)
    clock.wait(spec.probe_ms)
    result = spec.probe_errno or -driver.parameter(spec.probe_parameter)
    if result > 0:
        raise ProbeFailure(result, "R-BIND-4")


def play_remove(clock: Clock, driver: Driver, device: Device) -> None:
    """Play the start of a driver's remove function.

    Source: drivers/base/dd.c __device_release_driver(), device_remove().
    """
    if driver.module is not None and driver.spec.notes_probe_in:
        noted = driver.module.parameters
        noted[driver.spec.notes_probe_in] = f"remove {device.name}"
    clock.wait(driver.spec.remove_ms)


def _note_probe(driver: Driver, device: Device, entry: PciId) -> None:
    """Show the call in the module's parameters, if there are any."""
    module, spec = driver.module, driver.spec
    if module is None:
        return
    if spec.counts_probes_in:
        count = module.number(spec.counts_probes_in) + 1
        module.parameters[spec.counts_probes_in] = str(count)
    if spec.notes_probe_in:
        module.parameters[spec.notes_probe_in] = (
            f"probe {device.name} v={entry.vendor:x} d={entry.device:x} "
            f"sv={entry.subvendor:x} sd={entry.subdevice:x} c={entry.class_:x} "
            f"m={entry.class_mask:x} data={entry.driver_data:x}"
        )
