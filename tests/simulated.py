"""Commands, unmodified, on the simulated host of a scenario, in this process."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass

from pyfakefs.fake_filesystem import FakeFilesystem

from simkernel.fronts.fakefs.host import simulated
from simkernel.fronts.fakefs.programs.python import find_program, run_program
from simkernel.host.boot import boot_host
from simkernel.host.content import read_path, snapshot
from simkernel.host.host import Host
from simkernel.scenario.schema import Scenario

__all__ = ["Result", "Session", "difference", "session", "tree_with_modules"]

BOOT_ID = "/proc/sys/kernel/random/boot_id"
"""Different on every host, the same over a host's life."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left behind."""

    exit_code: int
    stdout: str
    stderr: str


class Session:
    """A host to run commands on; files of one are there for the next.

    :ivar host: the host, for a look at its kernel.
    """

    def __init__(self, host: Host, filesystem: FakeFilesystem) -> None:
        self.host = host
        self._filesystem = filesystem

    def run(self, *argv: str) -> Result:
        """Run an installed Python command."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run_program(find_program(argv))
        return Result(code, out.getvalue(), err.getvalue())

    def kmod(self, *argv: str) -> Result:
        """Run modprobe or another command of kmod's."""
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        return Result(done.returncode, done.stdout, done.stderr)

    def read(self, path: str) -> str:
        """Return the first line of a file."""
        return read_path(self.host, path).splitlines()[0]

    def names(self, directory: str) -> list[str]:
        """Return the names in a directory of any kind; none if it is not there."""
        if not self._filesystem.exists(directory):
            return []
        return sorted(self._filesystem.listdir(directory))

    def tree(self) -> dict[str, str]:
        """Return every path of the host's kernel with its content."""
        return tree_of(self.host)

    @property
    def modules(self) -> list[str]:
        """Loaded modules, oldest first; built-in ones are none."""
        return list(self.host.kernel.modules.loaded)

    @property
    def writes(self) -> int:
        """Writes to sysfs so far, refused ones too."""
        return self.host.kernel.faults.writes

    def driver(self, device: str) -> str | None:
        """Return a device's driver; None: no driver, or no device."""
        found = self.host.kernel.pci.devices.get(device)
        return found.driver.name if found and found.driver else None


@contextmanager
def session(scenario: Scenario) -> Iterator[Session]:
    """Be on the freshly booted host of a scenario."""
    host = boot_host(scenario)
    with simulated(host) as filesystem:
        yield Session(host, filesystem)


def tree_of(host: Host) -> dict[str, str]:
    """Return every path of a host's kernel with its content."""
    tree = snapshot(host)
    del tree[BOOT_ID]
    return tree


def tree_with_modules(
    scenario: Scenario, modules: list[str], *, gone: str = ""
) -> dict[str, str]:
    """Return the tree of a host on which nothing was done but to load modules.

    :param modules: in the order of loading.
    :param gone: a device that was taken away.
    """
    host = boot_host(scenario)
    for name in modules:
        if name not in host.kernel.modules.loaded:
            host.kernel.modules.load(name)
    if gone:
        host.kernel.hot_unplug(gone)
    return tree_of(host)


def difference(before: dict[str, str], after: dict[str, str]) -> dict[str, object]:
    """Return the paths that came, went and changed."""
    both = sorted(before.keys() & after.keys())
    return {
        "added": {path: after[path] for path in sorted(after.keys() - before.keys())},
        "removed": {
            path: before[path] for path in sorted(before.keys() - after.keys())
        },
        "changed": {
            path: {"before": before[path], "after": after[path]}
            for path in both
            if before[path] != after[path]
        },
    }
