"""The command line of QEMU.

Every device has a place that is said here or by the machine, so that the scenario's
addresses stay free. The channel, the console and the initial RAM disk are descriptors:
nothing of a guest has a name in the file system, so that nothing can stay behind. QEMU
ends with the thread that started it, however that ended (``setpriv --pdeathsig``).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simkernel.errors import UsageError
from simkernel.fronts.vm import inside
from simkernel.fronts.vm.machine import Machine

__all__ = ["Descriptors", "command_line"]

_MEMORY = "1G"


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptors:
    """Open files that QEMU inherits."""

    channel: int
    console: int
    initramfs: int


def command_line(
    machine: Machine,
    *,
    image: Path,
    descriptors: Descriptors,
    folders: Sequence[Path],
    skips_waiting: bool,
) -> list[str]:
    """Return the words that start a guest.

    :param image: the kernel.
    :param folders: the guest may mount these, writable, under the tags ``folder0``,
        ``folder1`` and so on.
    :param skips_waiting: the guest's clock goes by instructions, and jumps to the next
        timer when there is nothing to do: a sleep takes no time.
    :raises UsageError: QEMU is not installed, or it cannot have the machine.
    """
    program = shutil.which("qemu-system-x86_64")
    if program is None:
        raise UsageError(
            "the vm tier needs QEMU, which is not installed: "
            "apt-get install qemu-system-x86"
        )
    places = machine.free_places()
    return [
        *("setpriv", "--pdeathsig", "KILL", program),
        *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *("-machine", "q35,kernel-irqchip=split,sata=off,smbus=off"),
        *("-accel", "tcg", "-cpu", "max,vendor=GenuineIntel", "-m", _MEMORY),
        *(("-icount", "shift=3,sleep=off") if skips_waiting else ()),
        *(("-device", "intel-iommu,intremap=off") if machine.iommu else ()),
        *_files(places, folders),
        *_streams(places, descriptors),
        *machine.devices(places),
        *("-kernel", str(image), "-append", _kernel_arguments(machine)),
        *("-initrd", f"/proc/self/fd/{descriptors.initramfs}"),
    ]


def _files(places: Iterator[str], folders: Sequence[Path]) -> Iterator[str]:
    """Yield options for the host's files, and for the folders."""
    shares = [("root", "/dev/root", Path("/"), "on")]
    shares += [
        (f"share{number}", f"folder{number}", folder, "off")
        for number, folder in enumerate(folders)
    ]
    for name, tag, folder, is_readonly in shares:
        path = str(folder).replace(",", ",,")
        yield "-fsdev"
        yield (
            f"local,id={name},path={path},readonly={is_readonly},"
            "security_model=none,multidevs=remap"
        )
        yield "-device"
        yield f"virtio-9p-pci,fsdev={name},mount_tag={tag},{next(places)}"


def _streams(places: Iterator[str], descriptors: Descriptors) -> list[str]:
    """Return options for the channel and the console."""
    return [
        *("-chardev", f"socket,id=channel,fd={descriptors.channel}"),
        *("-device", f"virtio-serial-pci,{next(places)}"),
        *("-device", f"virtserialport,chardev=channel,name={inside.PORT}"),
        *("-chardev", f"socket,id=console,fd={descriptors.console}"),
        *("-serial", "chardev:console"),
    ]


def _kernel_arguments(machine: Machine) -> str:
    """Return the kernel's command line; what is behind ``--`` goes to its init.

    :raises UsageError: a path cannot be written there.
    """
    words = ["console=ttyS0", "loglevel=7", "panic=-1"]
    words += ["pci=pcie_scan_all"]  # behind a port, look for more than device 00
    if machine.iommu:
        words += ["intel_iommu=on", "iommu=pt"]
    python = str(Path(sys.executable).resolve())
    folder = str(Path(inside.__file__).resolve().parent)
    for path in (python, folder):
        if any(sign.isspace() or sign == '"' for sign in path):
            raise UsageError(
                f"{path}: blanks and quotes cannot be told to the guest's kernel; "
                "install Python and simkernel at a path without them"
            )
    return " ".join([*words, f"init={python}", "--", "-I", "-S", folder])
