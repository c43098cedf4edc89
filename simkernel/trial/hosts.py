"""Boot the host of a trial, on a simulated or a real kernel."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from simkernel.testing.sim import Sim

__all__ = ["Run", "real_host", "simulated_host"]

Run = Callable[[Sequence[str]], subprocess.CompletedProcess[str]]
"""Runs a program on the host and returns its output."""


@contextmanager
def simulated_host(
    template: Path, settings: Mapping[str, str], *, via: str
) -> Iterator[tuple[Run, str]]:
    """Boot a simulated host; yield a runner and its release.

    :param via: ``fakefs`` or ``fuse``.
    :raises UsageError: the tier does not work on this machine.
    """
    with Sim(template, settings, via=via) as sim:
        release = sim.read("/proc/sys/kernel/osrelease").strip()
        yield sim.run, release


@contextmanager
def real_host(
    template: Path,
    settings: dict[str, str],
    *,
    release: str,
    progress: Callable[[str], None],
    note: Callable[[str], None],
) -> Iterator[tuple[Run, str]]:
    """Boot a real kernel; yield a runner and its release.

    :param release: release of an installed kernel, or its beginning.
    :raises UsageError: the kernel, or a program that the tier requires, is not
        installed.
    :raises GuestError: the guest does not boot.
    """
    from simkernel.fronts.vm.machine.command import capture_command
    from simkernel.fronts.vm.machine.installed_kernel import find_kernel
    from simkernel.fronts.vm.run import booted, command_environment
    from simkernel.fronts.vm.scenario.select_kernel import load_for

    kernel = find_kernel(release)
    scenario = load_for(os.fspath(template), settings, kernel.release)
    environment = command_environment(os.environ, scenario.environment)
    with booted(scenario, kernel=kernel, progress=progress, note=note) as guest:

        def run(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
            return capture_command(guest, argv, environment=environment)

        yield run, kernel.release
