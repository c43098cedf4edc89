"""The mounts that programs see: the kernel's files, and the host's beside them."""

from __future__ import annotations

import json
import os
from contextlib import suppress

from simkernel.fronts.fuse.inside import syscalls
from simkernel.fronts.fuse.inside.mount_points import STAGE, Room
from simkernel.fronts.fuse.inside.steps import step
from simkernel.fronts.fuse.inside.vfio import VfioFolder

__all__ = ["HAND_OVER", "HIDDEN_PROC", "World"]

_KERNEL_FILES = f"{STAGE}/kernel"
"""Where the kernel's file system is while its parts are put into their places."""

HAND_OVER = ".hand-over"
"""A file of the kernel's file system that is opened and closed once, to let the threads
begin that serve it from then on."""
HIDDEN_PROC = "/dev/.proc"
"""Where a real ``/proc`` is if the one that is seen is put together of links."""
_STAGED_PROC = f"{STAGE}/proc"

_PLAIN = syscalls.NO_SETUID | syscalls.NO_DEVICES
_DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "ptmx": "pts/ptmx",
    "stderr": "/proc/self/fd/2",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
}


class World:
    """Puts the mounts together, one part after the other."""

    def __init__(self) -> None:
        self._room = Room()
        self._proc = "/proc"

    def begin(self, device: int) -> list[int]:
        """Mount the kernel's file system and a ``/proc``, where nobody looks yet.

        :return: if the machine has no ``/proc/modules``, a descriptor of ``/proc``.
        :raises StepError: the machine does not allow it.
        """
        with step("keep mounts to itself"):
            syscalls.mount("none", "/", None, syscalls.RECURSIVE | syscalls.PRIVATE)
        with step("mount a tmpfs on /run"):
            self._room.cover("/run")
            os.makedirs(_KERNEL_FILES)
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0"
        with step("mount a FUSE file system"):
            syscalls.mount(
                "simkernel",
                _KERNEL_FILES,
                "fuse.simkernel",
                _PLAIN | syscalls.NO_EXEC,
                f"{options},default_permissions,allow_other",
            )
        with step("mount /proc"):
            os.mkdir(_STAGED_PROC)
            _mount_proc()
            if os.path.exists(f"{_STAGED_PROC}/modules"):
                return []
            self._proc = HIDDEN_PROC
            machine = os.open(_STAGED_PROC, os.O_RDONLY | os.O_CLOEXEC)
            # What holds the descriptor shall not hold the mounts below it.
            syscalls.unmount(_STAGED_PROC)
            _mount_proc()
            return [machine]

    def cover_real_sysfs(self) -> int:
        """Put the simulated ``/sys`` wherever the machine's own can be seen.

        :return: the device number that ``/sys`` has now.
        :raises StepError: the machine does not allow it.
        """
        with step("cover /sys"):
            os.close(os.open(f"{_KERNEL_FILES}/{HAND_OVER}", os.O_RDONLY))
            for place in dict.fromkeys(["/sys", *_mounts_of("sysfs")]):
                syscalls.bind(f"{_KERNEL_FILES}/sys", place)
            return os.stat("/sys").st_dev

    def make_proc(self) -> None:
        """Put ``/proc`` into its place; it knows the processes in here only.

        :raises StepError: the machine does not allow it.
        """
        with step("put /proc into its place"):
            if self._proc != "/proc":
                syscalls.bind(f"{_KERNEL_FILES}/machine", "/proc")
                os.mkdir(self._proc)
            syscalls.move(_STAGED_PROC, self._proc)
        with step("cover /proc/bus/pci"), suppress(FileNotFoundError):
            syscalls.mount(
                "simkernel", f"{self._proc}/bus/pci", "tmpfs", syscalls.READ_ONLY
            )

    def make_dev(self) -> None:
        """Mount a ``/dev`` with what every machine has, and nothing of this one's.

        :raises StepError: the machine does not allow it.
        """
        stage = f"{STAGE}/dev"
        with step("mount a private /dev"):
            self._room.cover(stage)
            for name in _DEVICES:
                os.close(os.open(f"{stage}/{name}", os.O_CREAT | os.O_CLOEXEC))
                syscalls.bind(f"/dev/{name}", f"{stage}/{name}")
            for name, target in _DEVICE_LINKS.items():
                os.symlink(target, f"{stage}/{name}")
            os.mkdir(f"{stage}/pts")
            syscalls.bind("/dev/pts", f"{stage}/pts", syscalls.RECURSIVE)
            self._room.cover(f"{stage}/shm", 0o1777)
            syscalls.move(stage, "/dev")

    def empty(self, folders: list[str]) -> None:
        """Hide what the machine has in some directories; keep what is written to /etc.

        :raises StepError: the machine does not allow it.
        """
        with suppress(OSError):  # without it, only what is below is private
            self._room.keep_writes("/etc", "/etc")
        with step("hide the machine's own configuration"):
            for folder in {os.path.realpath(folder) for folder in folders}:
                if os.path.isdir(folder):
                    self._room.cover(folder)

    def make_files(
        self, folders: list[str], modules: tuple[str, str], index: str, content: str
    ) -> None:
        """Lay out the host's own files.

        :param folders: directories in which nothing of the machine is seen.
        :param modules: a directory of the machine, empty for none, and its place.
        :param index: path of a JSON list of paths and sizes.
        :param content: path of the contents, one after the other.
        :raises StepError: the machine does not allow it.
        """
        source, place = modules
        with step(f"open {source}"):
            tree = os.open(source or "/", os.O_PATH)  # what covers it comes next
        with step("mount private directories"):
            for folder in folders:
                self._room.cover(folder)
        if source:
            with step(f"show {source} as {place}"):
                os.mkdir(place)
                self._room.keep_writes(f"/proc/self/fd/{tree}", place)
        os.close(tree)
        with step("write the host's files"), open(content, "rb") as stream:
            with open(index) as listing:
                paths = json.load(listing)
            for path, size in paths:
                self._room.write(path, stream.read(size))

    def show_kernel_files(self, places: list[tuple[str, str]]) -> None:
        """Put further parts of the kernel's file system into their places.

        :param places: path in that file system, and where it is to be seen.
        :raises StepError: the machine does not allow it.
        """
        for part, place in places:
            with step(f"put {place} into its place"):
                self._show(f"{_KERNEL_FILES}/{part}", place)

    def _show(self, source: str, place: str) -> None:
        if place.startswith("/proc/"):
            place = self._proc + place.removeprefix("/proc")
            if os.path.islink(place) or not os.path.exists(place):
                return  # about the reader itself; or the root has it
        elif os.path.isdir(source):
            self._room.make(place)
        elif not os.path.exists(place):
            os.close(os.open(place, os.O_CREAT | os.O_CLOEXEC))
        syscalls.bind(source, place)

    def take_vfio(self) -> VfioFolder:
        """Return the directory of VFIO's nodes, which is nowhere yet.

        :raises StepError: the machine does not allow it.
        """
        with step("prepare /dev/vfio"):
            return VfioFolder(f"{_KERNEL_FILES}/vfio")

    def end(self) -> None:
        """Take away what was only needed to put it together."""
        syscalls.unmount(_KERNEL_FILES)
        os.rmdir(_KERNEL_FILES)
        for name in os.listdir(STAGE):
            os.rmdir(f"{STAGE}/{name}")
        os.rmdir(STAGE)


def _mount_proc() -> None:
    syscalls.mount("proc", _STAGED_PROC, "proc", _PLAIN | syscalls.NO_EXEC)


def _mounts_of(kind: str) -> list[str]:
    """Return where file systems of a kind are mounted, as far as one can see them."""
    places = []
    with open("/proc/self/mountinfo", "rb") as lines:
        for line in lines:
            fields = line.split()
            if fields[fields.index(b"-") + 1] == kind.encode():
                place = fields[4].decode("unicode_escape").encode("latin-1")
                places.append(os.fsdecode(place))
    return [place for place in places if os.path.isdir(place)]
