"""Commands for the module ``simpci``, which provides the synthetic functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from simkernel.fronts.vm.machine.hardware import Bdf
from simkernel.scenario.schema import DeviceEntry, Scenario, Sriov

__all__ = ["add_line", "pose_line", "qemu_functions", "synthetic_functions"]

_QEMU_OWN = {Bdf(0, 0, 0), Bdf(0, 0x1F, 0)}
"""Functions that the machine always has: host bridge and ISA bridge."""


def _is_qemus(device: DeviceEntry) -> bool:
    return bool(device.secondary_bus) or Bdf.parse(device.address) in _QEMU_OWN


def qemu_functions(scenario: Scenario) -> list[DeviceEntry]:
    """Return the functions that QEMU provides, upstream ones first.

    simpci only changes the ids that they show.
    """
    found = [one for one in scenario.devices if _is_qemus(one)]
    return sorted(found, key=lambda one: Bdf.parse(one.address))


def synthetic_functions(scenario: Scenario) -> list[DeviceEntry]:
    """Return the functions that simpci provides."""
    return [one for one in scenario.devices if not _is_qemus(one)]


def pose_line(device: DeviceEntry) -> str:
    """Return the command that changes the ids of one of QEMU's functions."""
    return f"pose {device.address} {_identity(device)}"


def add_line(device: DeviceEntry, others: Sequence[DeviceEntry]) -> str:
    """Return the command that creates a function.

    :param others: all functions of the scenario. A function that shares its IOMMU
        group gets no Access Control Services.
    """
    groups = Counter(one.iommu_group for one in others)
    is_alone = device.iommu_group is None or groups[device.iommu_group] == 1
    flags = {
        "express": device.express,
        "acs": device.express and is_alone,
        "flr": "flr" in device.reset_methods,
        "pm": "pm" in device.reset_methods,
    }
    words = [f"{key}={int(value)}" for key, value in flags.items()]
    if device.sriov is not None:
        words.append(_sriov(device.sriov))
    return f"add {device.address} {_identity(device)} {' '.join(words)}"


def _identity(device: DeviceEntry) -> str:
    vendor, number = device.id.split(":")
    subvendor, subdevice = device.subsystem.split(":")
    return (
        f"vendor={vendor} device={number} subvendor={subvendor} subdevice={subdevice} "
        f"class={device.class_} revision={device.revision}"
    )


def _sriov(sriov: Sriov) -> str:
    numbers = f"{sriov.total_vfs},{sriov.offset},{sriov.stride},{sriov.vf_device}"
    return f"sriov={numbers}" + (f",{sriov.vf_subdevice}" if sriov.vf_subdevice else "")
