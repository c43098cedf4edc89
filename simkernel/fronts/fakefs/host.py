"""Puts this Python process on a simulated host, and takes it back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from errno import ENOEXEC, EPERM
from pathlib import Path
from typing import Any

from pyfakefs.fake_filesystem import FakeFilesystem
from pyfakefs.fake_filesystem_unittest import Patcher
from pyfakefs.helpers import set_uid

from simkernel.errors import KernelRefusal
from simkernel.fronts.fakefs.filesystem import HostFiles, populate, show_real
from simkernel.fronts.fakefs.processes import SimulatedPopen
from simkernel.fronts.fakefs.streams import LiveRaw, live_streams
from simkernel.kmod import commands, elf
from simkernel.kmod.context import CommandResult, Context
from simkernel.model.kernel import Kernel
from simkernel.scenario.build import Host

__all__ = ["simulated"]

_FORBIDDEN = (
    "copy_file_range",
    "execv",
    "execve",
    "fork",
    "forkpty",
    "popen",
    "posix_spawn",
    "posix_spawnp",
    "preadv",
    "pwritev",
    "readv",
    "sendfile",
    "splice",
    "statvfs",
    "system",
    "writev",
)
"""Functions of ``os`` that pyfakefs leaves real: they would reach past the host."""


@contextmanager
def simulated(
    host: Host, real_folders: Sequence[Path] = ()
) -> Iterator[FakeFilesystem]:
    """Run the block on the simulated host, as root.

    :param real_folders: directories that stay readable, for the program's own code.
    """
    with ExitStack() as stack:
        patcher = stack.enter_context(
            Patcher(allow_root_user=True, additional_skip_names=_import_hooks())
        )
        filesystem = patcher.fs
        if filesystem is None:
            raise RuntimeError("pyfakefs did not start")
        filesystem.shuffle_listdir_results = False
        set_uid(0)
        populate(filesystem, host)
        show_real(filesystem, [*map(Path, _code_folders()), *real_folders])
        stack.enter_context(live_streams())
        _replace(stack, subprocess, "Popen", _popen(host, filesystem))
        _replace(stack, os, "uname", lambda: _uname(host.kernel.release))
        _replace(stack, os, "geteuid", lambda: 0)
        for name in _FORBIDDEN:
            if hasattr(os, name):
                _replace(stack, os, name, _forbidden(name))
        fake_os = patcher.fake_modules["os"]
        for name, function in _descriptor_calls(fake_os, filesystem).items():
            setattr(fake_os, name, function)
        yield filesystem


def _replace(stack: ExitStack, owner: Any, name: str, value: Any) -> None:
    stack.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def _code_folders() -> list[str]:
    """Return where Python's own and installed code lies."""
    return [path for path in (sys.prefix, sys.base_prefix, *sys.path) if path]


def _import_hooks() -> list[str]:
    """Return the modules that find Python code; they must see the real disk."""
    kinds = [one if isinstance(one, type) else type(one) for one in sys.meta_path]
    return [kind.__module__ for kind in kinds if "importlib" not in kind.__module__]


def _uname(release: str) -> os.uname_result:
    return os.uname_result(
        ("Linux", "simulated", release, "#1 SMP simkernel", "x86_64")
    )


def _forbidden(name: str) -> Callable[..., Any]:
    def refuse(*unused: Any, **ignored: Any) -> Any:
        raise PermissionError(
            EPERM, f"os.{name} would leave the simulated host of the fakefs tier"
        )

    return refuse


def _descriptor_calls(
    fake_os: Any, filesystem: FakeFilesystem
) -> dict[str, Callable[..., Any]]:
    """Return the calls on file descriptors that pyfakefs lacks or gets wrong.

    Its ``write`` says that all bytes were taken; its ``pwrite`` and ``pread`` are the
    real ones, and would meet whatever real file has that number.
    """
    plain_write = fake_os.write

    def write(fd: int, data: Any) -> int:
        stream = filesystem.get_open_file(fd)
        if isinstance(stream, LiveRaw):
            return int(stream.write(data))
        return int(plain_write(fd, data))

    def pwrite(fd: int, data: Any, offset: int) -> int:
        stream = filesystem.get_open_file(fd)
        if not isinstance(stream, LiveRaw):
            fake_os.lseek(fd, offset, os.SEEK_SET)
        return write(fd, data)

    def pread(fd: int, count: int, offset: int) -> bytes:
        before = fake_os.lseek(fd, 0, os.SEEK_CUR)
        fake_os.lseek(fd, offset, os.SEEK_SET)
        try:
            return bytes(fake_os.read(fd, count))
        finally:
            fake_os.lseek(fd, before or 0, os.SEEK_SET)

    return {"write": write, "pwrite": pwrite, "pread": pread}


# ---- processes


class _Syscalls:
    """Module system calls of the kmod commands, on the simulated kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def init_module(self, image: bytes, parameters: str) -> None:
        name = elf.module_name(image)
        if name is None:
            raise KernelRefusal(ENOEXEC, "R-MOD-1")
        self._kernel.modules.load(name, parameters)

    def delete_module(self, name: str, *, force: bool) -> None:
        self._kernel.modules.unload(name)


def _popen(host: Host, filesystem: FakeFilesystem) -> type[SimulatedPopen]:
    def answer(
        argv: Sequence[str], environment: Mapping[str, str], uid: int
    ) -> CommandResult:
        context = Context(
            files=HostFiles(filesystem),
            syscalls=_Syscalls(host.kernel),
            release=host.kernel.release,
            uid=uid,
            environment=dict(environment),
        )
        return commands.run(argv, context)

    return type("Popen", (SimulatedPopen,), {"answer": staticmethod(answer)})
