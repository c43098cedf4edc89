"""Puts this Python process on a simulated host, and takes it back."""

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
from simkernel.fronts.fakefs.filesystem import HostFiles, populate, show_real
from simkernel.fronts.fakefs.patches.netlink import uevent_sockets
from simkernel.fronts.fakefs.patches.processes import Answer, popen_answering
from simkernel.fronts.fakefs.patches.shortcuts import install
from simkernel.fronts.fakefs.patches.streams import RawStream, live_streams
from simkernel.fronts.fakefs.patches.system import DescriptorCalls, replacements
from simkernel.fronts.fakefs.programs.runner import Programs
from simkernel.fronts.tracing.fakefs import FakefsTracer
from simkernel.fronts.tracing.trace import Trace
from simkernel.host.host import Host

__all__ = ["FakefsHost", "simulated"]


class FakefsHost:
    """A host on which this process can be several times; its files last in between.

    A context manager. This process is on the host only while it visits.

    :param trace: what programs do on the host is written there.
    """

    def __init__(self, host: Host, trace: Trace | None = None) -> None:
        self.host = host
        self._trace = trace
        # pyfakefs shares one patcher and counts its users; a host has its own.
        own = type("Patcher", (Patcher,), {"PATCHER": None, "REF_COUNT": 0})
        self._patcher: Any = own(allow_root_user=True)

    def __enter__(self) -> FakefsHost:
        """Lay out the host's files.

        :raises UsageError: pyfakefs has this process on a file system of its own.
        """
        if Patcher.PATCHER is not None:
            raise UsageError(
                "pyfakefs is in use already, perhaps by its fixture fs: a simulated "
                "host has files of its own, so use one or the other"
            )
        self._patcher.setUp()
        self._patcher.pause()
        self.filesystem: FakeFilesystem = self._patcher.fs
        self.filesystem.shuffle_listdir_results = False
        trees = populate(self.filesystem, self.host)
        self.programs = Programs(self.host, self.filesystem)
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
        """Forget the host's files."""
        self._patcher.tearDown()

    @contextmanager
    def visit(self, real_folders: Sequence[Path] = ()) -> Iterator[FakeFilesystem]:
        """Have this process on the host while the block runs, as root.

        :param real_folders: directories that stay readable, for the program's own
            code; they are as they are on the disk now.
        """
        show_real(self.filesystem, [*_code_folders(), *map(os.fspath, real_folders)])
        kernel = self.host.kernel
        with ExitStack() as stack:
            stack.enter_context(self._patched())
            set_uid(0)
            stack.enter_context(live_streams())
            answer: Answer = self.programs.run
            if self._tracer is not None:
                stack.enter_context(self._tracer.recording())
                answer = self._tracer.recording_programs(answer)
            _replace(stack, subprocess, "Popen", popen_answering(answer))
            stack.enter_context(uevent_sockets(kernel.uevents))
            for name, function in replacements(kernel.release).items():
                _replace(stack, os, name, function)
            stack.enter_context(_environment(self.host.environment))
            yield self.filesystem

    @contextmanager
    def _patched(self) -> Iterator[None]:
        """Let pyfakefs stand in for the modules that know files."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of modules that warn when looked at
            self._patcher._find_modules()  # it looks for them only when it is set up
        self._patcher.resume()
        try:
            yield
        finally:
            self._patcher.pause()


@contextmanager
def simulated(
    host: Host, real_folders: Sequence[Path] = ()
) -> Iterator[FakeFilesystem]:
    """Run the block on the simulated host, as root.

    :param real_folders: directories that stay readable, for the program's own code.
    """
    with FakefsHost(host) as place, place.visit(real_folders) as filesystem:
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
    """Return where Python's own and installed code lies.

    A package that setuptools installed as editable lies where the MAPPING of its
    import hook says.
    """
    places = [sys.prefix, sys.base_prefix, *sys.path]
    for hook in sys.meta_path:
        mapping = getattr(sys.modules.get(hook.__module__), "MAPPING", {})
        places += [os.path.dirname(path) for path in mapping.values()]
    return [path for path in places if os.path.isabs(path) and os.path.isdir(path)]
