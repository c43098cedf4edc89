"""Puts this Python process on a simulated host, and takes it back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pyfakefs.fake_filesystem import FakeFilesystem
from pyfakefs.fake_filesystem_unittest import Patcher
from pyfakefs.helpers import set_uid

from simkernel.fronts.fakefs.filesystem import HostFiles, populate, show_real
from simkernel.fronts.fakefs.netlink import uevent_sockets
from simkernel.fronts.fakefs.processes import popen_answering
from simkernel.fronts.fakefs.programs import Programs
from simkernel.fronts.fakefs.shortcuts import install
from simkernel.fronts.fakefs.streams import live_streams
from simkernel.fronts.fakefs.system import DescriptorCalls, replacements
from simkernel.scenario.host import Host

__all__ = ["simulated"]


@contextmanager
def simulated(
    host: Host, real_folders: Sequence[Path] = ()
) -> Iterator[FakeFilesystem]:
    """Run the block on the simulated host, as root.

    :param real_folders: directories that stay readable, for the program's own code.
    """
    visible = [*_code_folders(), *map(os.fspath, real_folders)]
    with ExitStack() as stack:
        patcher = stack.enter_context(Patcher(allow_root_user=True))
        filesystem = patcher.fs
        if filesystem is None:
            raise RuntimeError("pyfakefs did not start")
        filesystem.shuffle_listdir_results = False
        set_uid(0)
        trees = populate(filesystem, host)
        host.load_through(HostFiles(filesystem))
        show_real(filesystem, visible)
        stack.enter_context(live_streams())
        popen = popen_answering(Programs(host, filesystem).run)
        _replace(stack, subprocess, "Popen", popen)
        stack.enter_context(uevent_sockets(host.kernel.uevents))
        for name, function in replacements(host.kernel.release).items():
            _replace(stack, os, name, function)
        stack.enter_context(_environment(host.environment))
        fake_os = patcher.fake_modules["os"]
        DescriptorCalls(fake_os, filesystem).install(fake_os)
        install(fake_os, filesystem, trees)
        host.kernel.clock.run(time.monotonic, time.sleep)
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
