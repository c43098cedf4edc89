"""Run this Python process on a simulated host."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pyfakefs.fake_filesystem import FakeFilesystem
from pyfakefs.fake_filesystem_unittest import Patcher
from pyfakefs.helpers import set_uid

from simkernel.errors import UsageError
from simkernel.fronts.fakefs.filesystem import HostFiles, add_real_folders, populate
from simkernel.fronts.fakefs.patches.netlink import netlink_sockets
from simkernel.fronts.fakefs.patches.processes import RunProgram, popen_class
from simkernel.fronts.fakefs.patches.shortcuts import install
from simkernel.fronts.fakefs.patches.streams import RawStream, live_streams
from simkernel.fronts.fakefs.patches.system import DescriptorCalls, replacements
from simkernel.fronts.fakefs.programs.runner import ProgramRunner
from simkernel.fronts.tracing.fakefs import FakefsTracer
from simkernel.fronts.tracing.trace import Trace
from simkernel.host.host import Host

__all__ = ["FakefsHost", "simulated"]


class FakefsHost:
    """A simulated host in this process, as a context manager.

    The process is on the host inside the block of :meth:`visit` only. The host's files
    last from one visit to the next.

    :param trace: records what programs do on the host.
    """

    def __init__(self, host: Host, trace: Trace | None = None) -> None:
        self.host = host
        self._trace = trace
        # pyfakefs shares one patcher per class and counts its users.
        own = type("Patcher", (Patcher,), {"PATCHER": None, "REF_COUNT": 0})
        self._patcher: Any = own(allow_root_user=True)

    def __enter__(self) -> FakefsHost:
        """Create the host's files.

        :raises UsageError: pyfakefs is active already.
        """
        if Patcher.PATCHER is not None:
            raise UsageError(
                "pyfakefs is active already, and cannot simulate a second host",
                hint="remove pyfakefs's fixture fs from the test",
            )
        self._patcher.setUp()
        self._patcher.pause()
        self.filesystem: FakeFilesystem = self._patcher.fs
        self.filesystem.shuffle_listdir_results = False
        trees = populate(self.filesystem, self.host)
        self.programs = ProgramRunner(self.host, self.filesystem)
        fake_os = self._patcher.fake_modules["os"]
        DescriptorCalls(fake_os, self.filesystem).install(fake_os)
        install(fake_os, self.filesystem, trees)
        self._tracer: FakefsTracer | None = None
        if self._trace is not None:
            self._tracer = FakefsTracer(
                self._trace, self.filesystem, fake_os, RawStream
            )
        self.host.load_through(HostFiles(self.filesystem))
        self.host.kernel.clock.run(time.monotonic, time.sleep)
        return self

    def __exit__(self, *unused: object) -> None:
        """Drop the host's files."""
        self._patcher.tearDown()

    @contextmanager
    def visit(self, real_folders: Sequence[Path] = ()) -> Iterator[FakeFilesystem]:
        """Put this process on the host while the block runs.

        The process is root there.

        :param real_folders: directories to read from the disk, such as the program's
            code.
        """
        add_real_folders(
            self.filesystem, [*_code_folders(), *map(os.fspath, real_folders)]
        )
        kernel = self.host.kernel
        with ExitStack() as stack:
            stack.enter_context(self._patched())
            set_uid(0)
            stack.enter_context(live_streams())
            run_program: RunProgram = self.programs.run
            if self._tracer is not None:
                stack.enter_context(self._tracer.recording())
                run_program = self._tracer.recording_programs(run_program)
            _replace(stack, subprocess, "Popen", popen_class(run_program))
            addresses = self.host.added.addresses
            stack.enter_context(netlink_sockets(kernel.uevents, addresses))
            for name, function in replacements(kernel.release).items():
                _replace(stack, os, name, function)
            stack.enter_context(_environment(self.host.environment))
            yield self.filesystem

    @contextmanager
    def _patched(self) -> Iterator[None]:
        """Activate pyfakefs's replacements of modules."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some modules warn when they are inspected
            # Otherwise it misses modules that were imported since setUp().
            self._patcher._find_modules()
        self._patcher.resume()
        try:
            yield
        finally:
            self._patcher.pause()


@contextmanager
def simulated(
    host: Host, real_folders: Sequence[Path] = ()
) -> Iterator[FakeFilesystem]:
    """Put this process on a new host while the block runs.

    The process is root there.

    :param real_folders: directories to read from the disk, such as the program's code.
    """
    with FakefsHost(host) as fakefs_host, fakefs_host.visit(real_folders) as filesystem:
        yield filesystem


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _replace(stack: ExitStack, owner: Any, name: str, value: Any) -> None:
    stack.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def _code_folders() -> list[str]:
    """Return the directories of installed Python code.

    For an editable installation by setuptools, the MAPPING of its import hook has the
    directory.
    """
    paths = [sys.prefix, sys.base_prefix, *sys.path]
    for hook in sys.meta_path:
        mapping = getattr(sys.modules.get(hook.__module__), "MAPPING", {})
        paths += [os.path.dirname(path) for path in mapping.values()]
    return [path for path in paths if os.path.isabs(path) and os.path.isdir(path)]
