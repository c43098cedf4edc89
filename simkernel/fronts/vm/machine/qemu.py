"""Starts QEMU.

Every device has a place that is said here or by the machine, so that the scenario's
addresses stay free. The channel, the console and the initial RAM disk are descriptors:
nothing of a guest has a name in the file system, so that nothing can stay behind. QEMU
ends with the thread that started it, however that ended (``setpriv --pdeathsig``).
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from simkernel.errors import UsageError
from simkernel.fronts.vm.inside import PORT, init
from simkernel.fronts.vm.machine.hardware import Machine
from simkernel.fronts.vm.machine.requirements import Tools

__all__ = ["Qemu", "start_qemu"]

_MEMORY = "1G"


@dataclass(frozen=True, slots=True, kw_only=True)
class Qemu:
    """A process of QEMU, and what connects it with us."""

    process: subprocess.Popen[bytes]
    channel: socket.socket
    """To the agent in the guest."""
    console: socket.socket


@dataclass(frozen=True, slots=True, kw_only=True)
class _Descriptors:
    """Open files that QEMU inherits."""

    channel: int
    console: int
    initramfs: int


def start_qemu(
    tools: Tools,
    machine: Machine,
    *,
    image: Path,
    archive: bytes,
    folders: Sequence[Path],
    virtual_clock: bool,
) -> Qemu:
    """Start a guest.

    :param image: the kernel.
    :param archive: the initial RAM disk.
    :param folders: the guest may mount these, writable, under the tags ``folder0``,
        ``folder1`` and so on.
    :param virtual_clock: the guest's clock goes by instructions, and jumps to the next
        timer when there is nothing to do: a sleep takes no time.
    :raises UsageError: QEMU cannot have the machine.
    """
    with ExitStack() as ours, ExitStack() as theirs:
        channel, its_channel = socket.socketpair()
        console, its_console = socket.socketpair()
        for one in (channel, console):
            ours.enter_context(one)
        for one in (its_channel, its_console):
            theirs.enter_context(one)
        ends = _Descriptors(
            channel=its_channel.fileno(),
            console=its_console.fileno(),
            initramfs=theirs.enter_context(_in_memory(archive)).fileno(),
        )
        words = _command_line(tools, machine, image, ends, folders)
        words += ["-icount", "shift=3,sleep=off"] if virtual_clock else []
        process = _start(words, ends)
        ours.pop_all()
    return Qemu(process=process, channel=channel, console=console)


def _in_memory(data: bytes) -> BinaryIO:
    """Return a file without a name that holds some bytes."""
    file = os.fdopen(os.memfd_create("simkernel"), "w+b")
    file.write(data)
    file.flush()
    return cast(BinaryIO, file)


def _start(words: Sequence[str], ends: _Descriptors) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=(ends.channel, ends.console, ends.initramfs),
        start_new_session=True,  # a Ctrl-C on the terminal is not for QEMU
    )


def _command_line(
    tools: Tools,
    machine: Machine,
    image: Path,
    ends: _Descriptors,
    folders: Sequence[Path],
) -> list[str]:
    """Return the words that start a guest.

    :raises UsageError: QEMU cannot have the machine.
    """
    places = machine.free_slots()
    return [
        *(tools.setpriv, "--pdeathsig", "KILL", tools.qemu),
        *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *("-machine", "q35,kernel-irqchip=split,sata=off,smbus=off"),
        *("-accel", "tcg", "-cpu", "max,vendor=GenuineIntel", "-m", _MEMORY),
        *(("-device", "intel-iommu,intremap=off") if machine.iommu else ()),
        *_files(places, folders),
        *_streams(places, ends),
        *machine.devices(places),
        *("-kernel", str(image), "-append", _kernel_arguments(machine)),
        *("-initrd", f"/proc/self/fd/{ends.initramfs}"),
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


def _streams(places: Iterator[str], ends: _Descriptors) -> list[str]:
    """Return options for the channel and the console."""
    return [
        *("-chardev", f"socket,id=channel,fd={ends.channel}"),
        *("-device", f"virtio-serial-pci,{next(places)}"),
        *("-device", f"virtserialport,chardev=channel,name={PORT}"),
        *("-chardev", f"socket,id=console,fd={ends.console}"),
        *("-serial", "chardev:console"),
    ]


def _kernel_arguments(machine: Machine) -> str:
    """Return the kernel's command line; what is behind ``--`` goes to its init.

    :raises UsageError: a path cannot be written there.
    """
    words = ["console=ttyS0", "loglevel=7", "panic=-1", "mitigations=off"]
    words += ["pci=pcie_scan_all"]  # behind a port, look for more than device 00
    if machine.iommu:
        words += ["intel_iommu=on", "iommu=pt"]
    words += machine.arguments
    python = str(Path(sys.executable).resolve())
    folder = str(Path(init.__file__).resolve().parent)
    for path in (python, folder):
        if any(sign.isspace() or sign == '"' for sign in path):
            raise UsageError(
                f"{path}: blanks and quotes cannot be told to the guest's kernel; "
                "install Python and simkernel at a path without them"
            )
    return " ".join([*words, f"init={python}", "--", "-I", "-S", folder])
