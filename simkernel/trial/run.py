"""A trial from the files to the result."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simkernel.errors import UsageError
from simkernel.trial.bind import bind_devices
from simkernel.trial.driver_module import DriverModule, read_driver_module
from simkernel.trial.hosts import real_host, simulated_host
from simkernel.trial.kernel_modules import (
    KernelModules,
    module_directory,
    read_kernel_modules,
)
from simkernel.trial.result import Result
from simkernel.trial.template import Trial, file_parameter, make_trial

__all__ = ["TrialOptions", "run_trial"]

_RELEASE = "6.12.117-amd64"
"""Release of the simulated kernel, where neither file nor user names another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOptions:
    """What was asked for on the command line."""

    files: tuple[Path, ...]
    via: str
    release: str | None
    folder: Path | None
    """Module directory of the kernel; None: the installed one, if there is one."""
    drivers: tuple[str, ...]
    """Names of the drivers, of several files ``MODULE=NAME``; none: the files show
    them."""
    physical: bool
    save: Path | None


def run_trial(
    wish: TrialOptions, *, progress: Callable[[str], None], note: Callable[[str], None]
) -> Result:
    """Try modules and return what came of it.

    :param progress: told what is being waited for; empty: nothing more.
    :param note: told what a person should know beside the result.
    :raises UsageError: a file cannot be used, or the tier cannot be had.
    :raises TrialError: a program of the trial failed.
    """
    given = _given(wish)
    release, stock = _kernel(wish, given, note)
    trial = make_trial(given, stock, release, physical=wish.physical)
    if wish.save is not None:
        _save(wish.save, trial.text)
    with tempfile.TemporaryDirectory(prefix="simkernel-try-") as made:
        template = Path(made, "trial.yaml.j2")
        template.write_text(trial.text, encoding="utf-8")
        settings = _unpacked_files(given, Path(made))
        return _played(
            wish, trial, given, (template, settings, release), progress, note
        )


def _given(wish: TrialOptions) -> list[DriverModule]:
    """Return the modules of the files.

    :raises UsageError: one cannot be used, or it is unclear whose driver is named.
    """
    told: dict[str, tuple[str, ...]] = {}
    for text in wish.drivers:
        owner, equals, name = text.partition("=")
        if not equals and len(wish.files) > 1:
            raise UsageError(f"--driver {text}: of several files, say MODULE={text}")
        owner, name = (owner.replace("-", "_"), name) if equals else ("", text)
        told[owner] = (*told.get(owner, ()), name)
    given = []
    for path in wish.files:
        stem = path.name.partition(".ko")[0].replace("-", "_")
        given.append(read_driver_module(path, told.get(stem, told.get("", ()))))
    return given


def _played(
    wish: TrialOptions,
    trial: Trial,
    given: Sequence[DriverModule],
    scenario: tuple[Path, dict[str, str], str],
    progress: Callable[[str], None],
    note: Callable[[str], None],
) -> Result:
    template, settings, release = scenario
    if wish.via == "vm":
        stage = real_host(
            template, settings, release=release, progress=progress, note=note
        )
    else:
        stage = simulated_host(template, settings, via=wish.via)
    with stage as (run, actual):
        progress("resolver binds the devices")
        rows = bind_devices(trial, run)
        progress("")
    return Result(
        modules=tuple((one.path.name, one.name, one.drivers) for one in given),
        via=wish.via,
        release=actual,
        rows=tuple(rows),
    )


def _kernel(
    wish: TrialOptions, given: Sequence[DriverModule], note: Callable[[str], None]
) -> tuple[str, KernelModules]:
    """Return the kernel's release, and what its own modules announce."""
    built_for = next((one.release for one in given if one.release), "")
    named = wish.folder.name if wish.folder else ""
    wanted = wish.release or (named if named[:1].isdigit() else "") or built_for
    folder = wish.folder or module_directory(wanted or _RELEASE)
    if folder is None:
        if wish.via != "vm":
            note(
                f"kernel {wanted or _RELEASE} is not in /lib/modules: there are no "
                "other modules than VFIO's and what the file names"
            )
        return wanted or _RELEASE, KernelModules()
    is_release = folder.name[:1].isdigit()
    release = folder.name if is_release else wanted or _RELEASE
    for one in given:
        if one.release and one.release != release:
            note(f"{one.path.name} was built for {one.release}, and is on {release}")
    return release, read_kernel_modules(folder)


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def _unpacked_files(given: Sequence[DriverModule], folder: Path) -> dict[str, str]:
    """Write the modules, unpacked; return the settings that name them."""
    settings = {}
    for one in given:
        path = folder / one.file_name
        path.write_bytes(one.data)
        settings[file_parameter(one)] = os.fspath(path)
    return settings
