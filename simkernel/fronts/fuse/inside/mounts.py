"""The mounts of a host: kernel files and plain files."""

from __future__ import annotations

import json
import os
from contextlib import suppress

from simkernel.fronts.fuse.inside import syscalls
from simkernel.fronts.fuse.inside.mount_points import STAGE, MountPoints
from simkernel.fronts.fuse.inside.processes import OpenFile, Processes
from simkernel.fronts.fuse.inside.steps import step
from simkernel.fronts.fuse.inside.vfio_mount import VfioMount

__all__ = ["HAND_OVER", "HIDDEN_PROC", "MountNamespace"]

_KERNEL_FILES = f"{STAGE}/kernel"
"""Where the FUSE file system is mounted while its parts are bound elsewhere."""

HAND_OVER = ".hand-over"
"""A FUSE file that is opened and closed once. That hands the session over from libfuse
to the server's own threads."""
HIDDEN_PROC = "/dev/.proc"
"""Mount point of a real ``/proc`` if ``/proc`` itself is simulated."""
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


class MountNamespace:
    """Mounts in a new namespace; call the methods in order."""

    def __init__(self) -> None:
        self._mount_points = MountPoints()
        self._proc = "/proc"

    def mount_staged(self, device: int) -> list[int]:
        """Mount the FUSE file system and a ``/proc`` in the stage.

        :return: a descriptor of ``/proc`` if the machine has no ``/proc/modules``.
        :raises StepError: the machine does not allow it.
        """
        with step("make mounts private"):
            syscalls.mount("none", "/", None, syscalls.RECURSIVE | syscalls.PRIVATE)
        with step("mount a tmpfs on /run"):
            self._mount_points.cover("/run")
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
            machine_proc = os.open(_STAGED_PROC, os.O_RDONLY | os.O_CLOEXEC)
            # The descriptor keeps this mount busy, so mount another one to use.
            syscalls.unmount(_STAGED_PROC)
            _mount_proc()
            return [machine_proc]

    def cover_sysfs(self) -> int:
        """Cover all sysfs mounts with the simulated ``/sys``.

        :return: the new device number of ``/sys``.
        :raises StepError: the machine does not allow it.
        """
        with step("cover /sys"):
            os.close(os.open(f"{_KERNEL_FILES}/{HAND_OVER}", os.O_RDONLY))
            for path in dict.fromkeys(["/sys", *_mount_points_of("sysfs")]):
                syscalls.bind(f"{_KERNEL_FILES}/sys", path)
            return os.stat("/sys").st_dev

    def mount_proc(self) -> None:
        """Mount ``/proc`` of this PID namespace.

        :raises StepError: the machine does not allow it.
        """
        with step("mount /proc on its mount point"):
            if self._proc != "/proc":
                syscalls.bind(f"{_KERNEL_FILES}/machine", "/proc")
                os.mkdir(self._proc)
            syscalls.move(_STAGED_PROC, self._proc)
        with step("cover /proc/bus/pci"), suppress(FileNotFoundError):
            syscalls.mount(
                "simkernel", f"{self._proc}/bus/pci", "tmpfs", syscalls.READ_ONLY
            )

    def mount_dev(self) -> None:
        """Mount a private ``/dev`` with the standard nodes only.

        :raises StepError: the machine does not allow it.
        """
        stage = f"{STAGE}/dev"
        with step("mount a private /dev"):
            self._mount_points.cover(stage)
            for name in _DEVICES:
                os.close(os.open(f"{stage}/{name}", os.O_CREAT | os.O_CLOEXEC))
                syscalls.bind(f"/dev/{name}", f"{stage}/{name}")
            for name, target in _DEVICE_LINKS.items():
                os.symlink(target, f"{stage}/{name}")
            os.mkdir(f"{stage}/pts")
            syscalls.bind("/dev/pts", f"{stage}/pts", syscalls.RECURSIVE)
            self._mount_points.cover(f"{stage}/shm", 0o1777)
            syscalls.move(stage, "/dev")

    def hide_directories(self, folders: list[str]) -> None:
        """Hide directories of the machine, and make ``/etc`` private.

        :raises StepError: the machine does not allow it.
        """
        with suppress(OSError):  # then only these directories are private
            self._mount_points.overlay("/etc", "/etc")
        with step("hide the machine's own configuration"):
            for folder in {os.path.realpath(folder) for folder in folders}:
                if os.path.isdir(folder):
                    self._mount_points.cover(folder)

    def write_files(
        self, folders: list[str], modules: tuple[str, str], index: str, content: str
    ) -> None:
        """Write the host's plain files.

        :param folders: directories that contain files of the host only.
        :param modules: a directory of the machine ("" for none), and its mount point.
        :param index: path of a JSON list of paths and sizes.
        :param content: path of the concatenated contents.
        :raises StepError: the machine does not allow it.
        """
        source, mount_point = modules
        with step(f"open {source}"):
            tree = os.open(source or "/", os.O_PATH)  # before it is covered
        with step("mount private directories"):
            for folder in folders:
                self._mount_points.cover(folder)
        if source:
            with step(f"mount {source} on {mount_point}"):
                os.mkdir(mount_point)
                self._mount_points.overlay(f"/proc/self/fd/{tree}", mount_point)
        os.close(tree)
        with step("write the host's files"), open(content, "rb") as stream:
            with open(index) as listing:
                paths = json.load(listing)
            for path, size in paths:
                self._mount_points.write_file(path, stream.read(size))

    def bind_kernel_files(self, files: list[tuple[str, str]]) -> None:
        """Bind files of the FUSE file system to their mount points.

        :param files: path in that file system, and mount point.
        :raises StepError: the machine does not allow it.
        """
        for path, mount_point in files:
            with step(f"mount {mount_point}"):
                self._bind(f"{_KERNEL_FILES}/{path}", mount_point)

    def _bind(self, source: str, target: str) -> None:
        if target.startswith("/proc/"):
            target = self._proc + target.removeprefix("/proc")
            if os.path.islink(target) or not os.path.exists(target):
                return  # a link per process; or in the simulated root of /proc
        elif os.path.isdir(source):
            self._mount_points.make_directory(target)
        elif not os.path.exists(target):
            self._mount_points.make_directory(os.path.dirname(target))
            os.close(os.open(target, os.O_CREAT | os.O_CLOEXEC))
        syscalls.bind(source, target)

    def start_processes(
        self, processes: list[tuple[int, str, list[OpenFile]]]
    ) -> Processes:
        """Start idle processes that have files open, lowest pid first.

        :param processes: pid, name and open files of each.
        :raises StepError: the machine does not allow it.
        """
        started = Processes(self._proc, _KERNEL_FILES)
        for pid, name, files in processes:
            with step(f"start process {pid}"):
                started.start(pid, name, files)
        return started

    def vfio_mount(self) -> VfioMount:
        """Return the mount of ``/dev/vfio``, not attached yet.

        :raises StepError: the machine does not allow it.
        """
        with step("prepare /dev/vfio"):
            return VfioMount(f"{_KERNEL_FILES}/vfio")

    def remove_stage(self) -> None:
        """Unmount and remove the stage."""
        syscalls.unmount(_KERNEL_FILES)
        os.rmdir(_KERNEL_FILES)
        for name in os.listdir(STAGE):
            os.rmdir(f"{STAGE}/{name}")
        os.rmdir(STAGE)


def _mount_proc() -> None:
    syscalls.mount("proc", _STAGED_PROC, "proc", _PLAIN | syscalls.NO_EXEC)


def _mount_points_of(kind: str) -> list[str]:
    """Return the visible mount points of a type of file system."""
    found = []
    with open("/proc/self/mountinfo", "rb") as lines:
        for line in lines:
            fields = line.split()
            if fields[fields.index(b"-") + 1] == kind.encode():
                path = fields[4].decode("unicode_escape").encode("latin-1")
                found.append(os.fsdecode(path))
    return [path for path in found if os.path.isdir(path)]
