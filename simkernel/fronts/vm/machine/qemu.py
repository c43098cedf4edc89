"""Starts QEMU.

Every device has an explicit address, so that the scenario's addresses stay free.
Channel, console and initial RAM disk are descriptors: a guest has no files that
could be left behind. QEMU ends with the thread that started it, even if that thread
was killed (``setpriv --pdeathsig``).
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
    """A QEMU process and the sockets connected to it."""

    process: subprocess.Popen[bytes]
    channel: socket.socket
    """Connection to the agent in the guest."""
    console: socket.socket


@dataclass(frozen=True, slots=True, kw_only=True)
class _Descriptors:
    """Descriptors that QEMU inherits."""

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

    :param image: path of the kernel image.
    :param archive: the initial RAM disk.
    :param folders: the guest may mount these, writable, under the tags ``folder0``,
        ``folder1`` and so on.
    :param virtual_clock: the guest's clock counts instructions and jumps to the next
        timer when the processor is idle, so a sleep takes no time.
    :raises UsageError: QEMU cannot provide the machine.
    """
    with ExitStack() as kept, ExitStack() as inherited:
        channel, qemu_channel = socket.socketpair()
        console, qemu_console = socket.socketpair()
        for one in (channel, console):
            kept.enter_context(one)
        for one in (qemu_channel, qemu_console):
            inherited.enter_context(one)
        ends = _Descriptors(
            channel=qemu_channel.fileno(),
            console=qemu_console.fileno(),
            initramfs=inherited.enter_context(_in_memory(archive)).fileno(),
        )
        words = _command_line(tools, machine, image, ends, folders)
        words += ["-icount", "shift=3,sleep=off"] if virtual_clock else []
        process = _start(words, ends)
        kept.pop_all()
    return Qemu(process=process, channel=channel, console=console)


def _in_memory(data: bytes) -> BinaryIO:
    """Return an unnamed file with the given content."""
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
        start_new_session=True,  # a Ctrl-C on the terminal must not reach QEMU
    )


def _command_line(
    tools: Tools,
    machine: Machine,
    image: Path,
    ends: _Descriptors,
    folders: Sequence[Path],
) -> list[str]:
    """Return the command line that starts a guest.

    :raises UsageError: QEMU cannot provide the machine.
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
    """Yield options for the host's file system and the writable folders."""
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
    """Return the kernel command line; words after ``--`` go to init.

    :raises UsageError: the path of Python or simkernel contains blanks or quotes.
    """
    words = ["console=ttyS0", "loglevel=7", "panic=-1", "mitigations=off"]
    words += ["pci=pcie_scan_all"]  # behind a port, scan beyond device 00
    if machine.iommu:
        words += ["intel_iommu=on", "iommu=pt"]
    words += machine.arguments
    python = str(Path(sys.executable).resolve())
    folder = str(Path(init.__file__).resolve().parent)
    for path in (python, folder):
        if any(sign.isspace() or sign == '"' for sign in path):
            raise UsageError(
                f"{path}: the kernel command line allows no blanks and quotes in paths",
                hint="install Python and simkernel at a path without them",
            )
    return " ".join([*words, f"init={python}", "--", "-I", "-S", folder])
