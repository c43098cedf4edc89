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
    """Run a command on a real kernel with a scenario and return its exit code.

    What it writes below the working directory, or below a directory named in its
    arguments, is on the real disk; nothing else is.

    :param progress: told what is being waited for; empty: nothing more.
    :param note: told each thing that is not as the scenario says.
    :raises UsageError: the scenario cannot be had; or a program, kernel or source that
        is needed is not installed.
    :raises GuestError: the guest does not boot, or refuses the scenario.
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
    """Have a guest that is a scenario's host while the block runs.

    :param folders: folders of the host that the guest may write to.
    :param progress: as in :func:`run`, and so are ``note`` and the errors.
    """
    problems = refusals(scenario)
    if problems:
        lines = "\n".join(f"    {one}" for one in problems)
        raise UsageError(f"the vm tier cannot have this scenario:\n{lines}")
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
    """Return the folders that the guest may write to, none of them in another."""
    here = Path.cwd()
    named = [Path(one).resolve() for one in argv[1:] if _is_dir(one)]
    kept = kept_folders([here, *named])
    if here not in kept:
        note(f"what is written below {here} is not kept")
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
    """Return the command's environment; commands beside this Python come first."""
    places = [os.fspath(Path(sys.executable).parent)]
    places += [outside.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
    return {**outside, **scenario, "PATH": os.pathsep.join(places)}
