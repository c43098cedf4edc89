"""Run a trial: from module files to the result."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simkernel.errors import UsageError
from simkernel.suggest import did_you_mean
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
"""Release of the simulated kernel, if neither file nor user names one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOptions:
    """Options of ``simkernel try``."""

    files: tuple[Path, ...]
    via: str
    release: str | None
    folder: Path | None
    """Module directory of the kernel; None: that of the installed kernel, if any."""
    drivers: tuple[str, ...]
    """Driver names, ``MODULE=NAME`` with several files; empty: read from the files."""
    physical: bool
    save: Path | None


def run_trial(
    options: TrialOptions,
    *,
    progress: Callable[[str], None],
    note: Callable[[str], None],
) -> Result:
    """Test modules and return the result.

    :param progress: receives the current step; an empty text at the end.
    :param note: receives remarks for the user.
    :raises UsageError: a file is no VFIO driver module, or the tier does not work here.
    :raises TrialError: a program of the trial failed.
    """
    modules = _read_modules(options)
    release, installed = _kernel(options, modules, note)
    trial = make_trial(modules, installed, release, physical=options.physical)
    if options.save is not None:
        _save(options.save, trial.text)
    with tempfile.TemporaryDirectory(prefix="simkernel-try-") as made:
        template = Path(made, "trial.yaml.j2")
        template.write_text(trial.text, encoding="utf-8")
        settings = _write_modules(modules, Path(made))
        return _bound(
            options, trial, modules, (template, settings, release), progress, note
        )


def _read_modules(options: TrialOptions) -> list[DriverModule]:
    """Read the module files.

    :raises UsageError: a file is no driver module, or ``--driver`` names no module.
    """
    names: dict[str, tuple[str, ...]] = {}
    for text in options.drivers:
        owner, equals, name = text.partition("=")
        if not equals and len(options.files) > 1:
            raise UsageError(
                f"--driver {text}: several modules, so the driver's module is unknown",
                hint=f"write --driver MODULE={text}",
            )
        owner, name = (owner.replace("-", "_"), name) if equals else ("", text)
        names[owner] = (*names.get(owner, ()), name)
    stems = [one.name.partition(".ko")[0].replace("-", "_") for one in options.files]
    for owner in names:
        if owner and owner not in stems:
            raise UsageError(
                f"--driver: no FILE is module {owner}{did_you_mean(owner, stems)}"
            )
    return [
        read_driver_module(path, names.get(stem, names.get("", ())))
        for path, stem in zip(options.files, stems, strict=True)
    ]


def _bound(
    options: TrialOptions,
    trial: Trial,
    modules: Sequence[DriverModule],
    scenario: tuple[Path, dict[str, str], str],
    progress: Callable[[str], None],
    note: Callable[[str], None],
) -> Result:
    template, settings, release = scenario
    if options.via == "vm":
        host = real_host(
            template, settings, release=release, progress=progress, note=note
        )
    else:
        host = simulated_host(template, settings, via=options.via)
    with host as (run, actual):
        progress("binding the devices with resolver")
        rows = bind_devices(trial, run)
        progress("")
    return Result(
        modules=tuple((one.path.name, one.name, one.drivers) for one in modules),
        via=options.via,
        release=actual,
        rows=tuple(rows),
    )


def _kernel(
    options: TrialOptions, modules: Sequence[DriverModule], note: Callable[[str], None]
) -> tuple[str, KernelModules]:
    """Return the kernel's release and its own modules."""
    built_for = next((one.release for one in modules if one.release), "")
    named = options.folder.name if options.folder else ""
    wanted = options.release or (named if named[:1].isdigit() else "") or built_for
    folder = options.folder or module_directory(wanted or _RELEASE)
    if folder is None:
        if options.via != "vm":
            note(
                f"kernel {wanted or _RELEASE} is not in /lib/modules; the host has "
                "only VFIO's modules and the dependencies of the tested modules"
            )
        return wanted or _RELEASE, KernelModules()
    is_release = folder.name[:1].isdigit()
    release = folder.name if is_release else wanted or _RELEASE
    for one in modules:
        if one.release and one.release != release:
            note(f"{one.path.name} was built for {one.release} but runs on {release}")
    return release, read_kernel_modules(folder)


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def _write_modules(modules: Sequence[DriverModule], folder: Path) -> dict[str, str]:
    """Write the modules; return the parameters with their paths."""
    settings = {}
    for one in modules:
        path = folder / one.file_name
        path.write_bytes(one.data)
        settings[file_parameter(one)] = os.fspath(path)
    return settings
