"""``simkernel run`` on the vm tier."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from simkernel.errors import UsageError
from simkernel.fronts.folders import kept_folders
from simkernel.fronts.vm.machine.command import run_command
from simkernel.fronts.vm.machine.guest import Guest
from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel
from simkernel.fronts.vm.machine.requirements import find_tools
from simkernel.fronts.vm.machine.topology import plan_machine
from simkernel.fronts.vm.modules.directory import module_directory
from simkernel.fronts.vm.scenario.setup import ScenarioSetup
from simkernel.fronts.vm.scenario.support import left_out, refusals
from simkernel.scenario.schema import Scenario

__all__ = ["booted", "command_environment", "run"]


def run(
    scenario: Scenario,
    argv: Sequence[str],
    *,
    kernel: InstalledKernel,
    progress: Callable[[str], None],
    note: Callable[[str], None],
) -> int:
    """Run a command on a real kernel with a scenario; return its exit code.

    Files that the command writes below the working directory, or below a directory
    among its arguments, are kept. All other changes are lost with the guest.

    :param progress: receives the current step as text; empty: the last step is done.
    :param note: receives each deviation from the scenario, one line each.
    :raises UsageError: the vm tier does not support the scenario, or a program,
        kernel or source archive is not installed.
    :raises GuestError: the guest does not boot, or the setup fails.
    """
    folders = _folders(argv, note)
    with booted(
        scenario, kernel=kernel, folders=folders, progress=progress, note=note
    ) as guest:
        environment = command_environment(os.environ, scenario.environment)
        return run_command(
            guest, argv, cwd=os.fspath(Path.cwd()), environment=environment
        )


@contextmanager
def booted(
    scenario: Scenario,
    *,
    kernel: InstalledKernel,
    folders: Sequence[Path] = (),
    progress: Callable[[str], None],
    note: Callable[[str], None],
) -> Iterator[Guest]:
    """Yield a booted guest that has the scenario set up.

    :param folders: host folders that the guest may write to.
    :param progress: see :func:`run`, also for ``note`` and the errors.
    """
    problems = refusals(scenario)
    if problems:
        lines = "\n".join(f"    {one}" for one in problems)
        raise UsageError(f"the vm tier does not support this scenario:\n{lines}")
    find_tools()
    for line in left_out(scenario):
        note(line)
    machine = plan_machine([scenario])
    directory = module_directory(scenario, kernel, progress)
    progress(f"booting {kernel.release}")
    with Guest(
        machine, image=kernel.image, release=kernel.release, folders=folders
    ) as guest:
        progress("setting the scenario up")
        setup = ScenarioSetup(
            guest, release=kernel.release, simpci=directory.simpci, stock=kernel.modules
        )
        differences = setup.apply(scenario, directory)
        progress("")
        for line in (*directory.notes, *differences):
            note(line)
        yield guest


def _folders(argv: Sequence[str], note: Callable[[str], None]) -> list[Path]:
    """Return the folders that the guest may write to, without nested ones."""
    here = Path.cwd()
    named = [Path(one).resolve() for one in argv[1:] if _is_dir(one)]
    kept = kept_folders([here, *named])
    if here not in kept:
        note(f"files written below {here} are not kept")
    return [
        folder
        for folder in dict.fromkeys(kept)
        if not any(folder != one and folder.is_relative_to(one) for one in kept)
    ]


def _is_dir(word: str) -> bool:
    return not word.startswith("-") and "\0" not in word and Path(word).is_dir()


def command_environment(
    outside: Mapping[str, str], scenario: Mapping[str, str]
) -> dict[str, str]:
    """Return the command's environment, with this Python's folder first in PATH."""
    places = [os.fspath(Path(sys.executable).parent)]
    places += [outside.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
    return {**outside, **scenario, "PATH": os.pathsep.join(places)}
