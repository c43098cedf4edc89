"""What a recorded program may see differently on the bench, and why.

The recording guest had more than the bench: other devices, drivers and modules, a
whole Debian. A difference is known only if the rest of the field is the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from simkernel.conformance.transcript import FieldDifference

__all__ = ["reason"]

OTHER_DEVICES = ("0000:04:00.0", "/virtio8/", "/sys/bus/platform/")
"""Devices of the recording guest that are not the bench's."""
PORT_SERVICES = ("pci_express", "pci_bus", "slots")
"""Subsystems of a root port's own services, which the model does not have."""
NOT_ON_BENCH = re.compile(
    r"/sys/bus/(?:acpi|auxiliary|pci_express|virtio)"
    r"|/sys/bus/pci/devices/0000:(?:00:0[1-9bd]|00:1f|02:00|04:00)\.\d"
    r"|/sys/bus/pci/drivers/(?!simdrv|sim-b|pcieport|e1000e|virtio-pci).+/module"
    r"|/sys/module/kernel"
    r"|/proc/cmdline"
)
"""Paths that only one of the two has, or that a transcript leaves out."""
LISTS_ALL = re.compile(
    r"/sys/(?:bus|module|kernel/iommu_groups"
    r"|bus/pci/devices|bus/pci/drivers/(?:pcieport)?)"
)
"""Directories in which the recording guest had more."""
MORE_FILES = {
    r"": r"firmware_node|waiting_for_supplier|resource\d",
    r"0000:00:0[ac]\.0": r".*:pcie0\d\d|aer_.*|msi_irqs|pci_bus|reset_subordinate",
    r"0000:03:00\.0": r"aer_.*|msi_irqs|net|ptp|reset|reset_method|rom|wakeup",
}
"""By device: files from the firmware's tables, of memory, of a port's services, and
of the network card that the recording machine emulated."""
BENCH_MODULES = ("simdrv", "simplat", "simfake", "vfio", "irqbypass", "virtio_pci")
"""Words in the lines of a listing that are about modules of the bench."""


def reason(difference: FieldDifference, tier: str = "fakefs") -> str | None:
    """Return why a difference is there on purpose, None if it is not."""
    known = KNOWN | KNOWN_ON_FUSE if tier == "fuse" else KNOWN
    for why, is_known in known.items():
        if is_known(difference):
            return why
    return None


def _path(difference: FieldDifference) -> str:
    return str(difference.record.get("path", ""))


def _of_other_device(difference: FieldDifference) -> bool:
    path = _path(difference)
    return (
        path.endswith("/devices_deferred")
        or any(name in path for name in OTHER_DEVICES)
        or (
            difference.field == "state"
            and _without_other_devices(difference.real or {})
            == _without_other_devices(difference.simulated or {})
        )
    )


def _without_other_devices(state: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in state.items() if key not in OTHER_DEVICES}


def _of_port_service(difference: FieldDifference) -> bool:
    return difference.field == "uevents" and _of_modelled_buses(
        difference.real
    ) == _of_modelled_buses(difference.simulated)


def _of_modelled_buses(events: list[dict[str, str]] | None) -> list[dict[str, str]]:
    return [
        event
        for event in events or []
        if event["SUBSYSTEM"] not in PORT_SERVICES
        and not event["DEVPATH"].startswith("/bus/auxiliary/")
        and not (event["ACTION"] == "change" and event.get("DRIVER") == "pcieport")
    ]


def _of_other_module(difference: FieldDifference) -> bool:
    """Tell whether two listings have the same lines about the bench's modules.

    A dump of modprobe is recorded up to 6000 characters: what comes before its
    indexes is compared.
    """
    real, simulated = difference.real, difference.simulated
    is_text = isinstance(real, str) and isinstance(simulated, str)
    if difference.record["op"] != "cmd" or not is_text:
        return False
    if _path(difference) == "modprobe -c":
        real, simulated = (text.partition("\n\n")[0] for text in (real, simulated))
        return _without_virtme(real) == simulated.splitlines()
    return _about_bench(real) == _about_bench(simulated) != []


def _without_virtme(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("options virtme")]


def _about_bench(text: str) -> list[str]:
    """Return the lines about modules of the bench, without line numbers and sizes."""
    return [
        re.sub(r"^\d+:| +\d{5,} | 0x\w+", " ", line)
        for line in text.splitlines()
        if any(name in line for name in BENCH_MODULES)
    ]


def _only_on_one(difference: FieldDifference) -> bool:
    absent = difference.real, difference.simulated
    path = _path(difference)
    refused = difference.field == "res" and "ENOENT" in absent
    return NOT_ON_BENCH.fullmatch(path) is not None and (None in absent or refused)


def _only_more(difference: FieldDifference, names: str) -> bool:
    """Tell whether a real directory differs by more entries of certain names."""
    real, simulated = difference.real, difference.simulated
    if difference.record["op"] != "ls" or difference.field != "out":
        return False
    more = real.keys() - simulated.keys()
    return all(re.fullmatch(names, name) for name in more) and simulated == {
        name: entry for name, entry in real.items() if name not in more
    }


def _lists_more(difference: FieldDifference) -> bool:
    is_list = LISTS_ALL.fullmatch(_path(difference)) is not None
    return is_list and _only_more(difference, ".*")


def _has_more_files(difference: FieldDifference) -> bool:
    folder, _, name = _path(difference).rpartition("/")
    patterns = [more for device, more in MORE_FILES.items() if re.match(device, name)]
    is_device = folder == "/sys/bus/pci/devices"
    return is_device and _only_more(difference, "|".join(patterns))


def _has_notes(difference: FieldDifference) -> bool:
    in_notes = _path(difference).endswith("/notes")
    return in_notes and _only_more(difference, r"\.note\..*")


def _is_config(difference: FieldDifference) -> bool:
    """Tell whether what differs is behind the header: capabilities besides Express."""
    if not _path(difference).endswith("/config"):
        return False
    real, simulated = str(difference.real), str(difference.simulated)
    return len(real) == len(simulated) and real[:0x41] == simulated[:0x41]


def _starts_with(*words: str) -> Callable[[FieldDifference], bool]:
    return lambda difference: _path(difference).startswith(words)


KNOWN: dict[str, Callable[[FieldDifference], bool]] = {
    "a device that the bench does not have": _of_other_device,
    "root ports' own services and the auxiliary bus are not modelled": _of_port_service,
    "modules that the bench does not have; sizes, addresses": _of_other_module,
    "the first lines of an index of all of Debian's modules": _starts_with("head -3 "),
    "what ls and ps show is not the kernel's": _starts_with("bash -c ls -la", "ps "),
    "the build of Debian's kernel": _starts_with("uname -a"),
    "what the bench does not have, or the transcript leaves out": _only_on_one,
    "the recording guest had more of a kind": _lists_more,
    "firmware's tables, memory, services and cards are not modelled": _has_more_files,
    "the notes of a module's file are not modelled": _has_notes,
    "capabilities of a function besides PCI Express are not modelled": _is_config,
}


def _is_large_errno(difference: FieldDifference) -> bool:
    """Tell whether the kernel gave an errno that FUSE does not pass on.

    It gives EIO instead.

    Source: fs/fuse/dev.c fuse_dev_do_write().
    """
    pair = difference.real, difference.simulated
    return pair in (("524", "EIO"), (-524, -5))


def _is_in_roots_home(difference: FieldDifference) -> bool:
    """Tell whether somebody else was kept out of root's home, where the modules lie."""
    is_denied = "Permission denied" in str(difference.simulated)
    return _path(difference) == "insmod KO/simdrv_b.ko" and is_denied


KNOWN_ON_FUSE: dict[str, Callable[[FieldDifference], bool]] = {
    "FUSE passes no errno above 511 on": _is_large_errno,
    "root's home is the machine's own, and closed to others": _is_in_roots_home,
}
