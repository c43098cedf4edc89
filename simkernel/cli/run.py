"""``simkernel run``: a program on the host of a scenario, by tier."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simkernel.cli.arguments import ScenarioName, parsed_settings, settings_option
from simkernel.cli.progress import ProgressLine

if TYPE_CHECKING:
    from simkernel.host.host import Host

__all__ = ["run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What was asked for on the command line."""

    scenario: str
    settings: dict[str, str]
    words: tuple[str, ...]
    kernel: str | None
    """Release of an installed kernel; None: not given."""
    trace: Path | None
    """File for what the command does; None: nobody wants to know."""
    udev: bool
    """The machine's udevd is to run on the host."""
    modules: Path | None
    """Module directory of a real kernel; None: as the scenario has it."""

    def host(self) -> Host:
        """Return the simulated host."""
        from simkernel.host.boot import boot_host
        from simkernel.scenario.render import load

        scenario = load(self.scenario, self.settings)
        host = boot_host(scenario, source=self.scenario)
        if self.modules is not None:
            host.modules_dir = str(self.modules.resolve())
        return host


def _on_fakefs(request: _Request) -> int:
    from simkernel.fronts.fakefs.run import run as run_on_fakefs
    from simkernel.fronts.trace import Trace

    host = request.host()
    with nullcontext() if request.trace is None else Trace(request.trace) as trace:
        return run_on_fakefs(host, request.words, trace)


def _on_vm(request: _Request) -> int:
    from simkernel.fronts.vm.run import run as run_on_vm
    from simkernel.fronts.vm.scenario.select_kernel import kernel_for, load_for

    kernel = kernel_for(request.scenario, request.settings, request.kernel)
    scenario = load_for(request.scenario, request.settings, kernel.release)
    with ProgressLine(sys.stderr) as line:
        return run_on_vm(
            scenario, request.words, kernel=kernel, progress=line.show, note=line.note
        )


def _on_fuse(request: _Request) -> int:
    from simkernel.fronts.fuse.run import run as run_on_fuse
    from simkernel.fronts.trace import Trace

    with nullcontext() if request.trace is None else Trace(request.trace) as trace:
        return run_on_fuse(request.host, request.words, trace, udev=request.udev)


_TIERS: dict[str, Callable[[_Request], int]] = {
    "fakefs": _on_fakefs,
    "fuse": _on_fuse,
    "vm": _on_vm,
}
"""What runs a command by each tier, and returns its exit code."""


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.option(
    "--via",
    type=click.Choice(list(_TIERS)),
    default="fakefs",
    show_default=True,
    help="Which kernel the command runs on.",
)
@click.option(
    "--kernel",
    metavar="RELEASE",
    help="For --via vm: an installed kernel, such as 6.1; without it, of the "
    "scenario's series, or the newest.",
)
@click.option(
    "--record-trace",
    "trace",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write every operation of the command on the host's files, as JSON lines.",
)
@click.option(
    "--udev",
    is_flag=True,
    help="For --via fuse: start this machine's udevd on the host, with a network and a "
    "/dev of its own.",
)
@click.option(
    "--modules-dir",
    "modules",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Show a real kernel's module directory, such as one in /lib/modules, instead "
    "of one made from the scenario.",
)
@settings_option
@click.argument("scenario", type=ScenarioName())
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
def run(
    via: str,
    kernel: str | None,
    trace: Path | None,
    udev: bool,
    modules: Path | None,
    settings: tuple[str, ...],
    scenario: str,
    command: tuple[str, ...],
) -> None:
    """Run a program on the host of a scenario.

    COMMAND is an installed Python command, or python and a script; with --via fuse and
    --via vm, any command. The exit code is the command's.
    """
    words = command[1:] if command[0] == "--" else command
    if not words:
        raise click.UsageError("name a command after --")
    if kernel is not None and via != "vm":
        raise click.UsageError(f"--kernel is for --via vm, not for {via}")
    if udev and via != "fuse":
        raise click.UsageError(f"--udev is for --via fuse, not for {via}")
    if modules is not None and via == "vm":
        raise click.UsageError("--modules-dir is not for --via vm: it has its kernel's")
    if trace is not None and via == "vm":
        raise click.UsageError("--record-trace is not for --via vm: strace is there")
    request = _Request(
        scenario=scenario,
        settings=parsed_settings(settings),
        words=words,
        kernel=kernel,
        trace=trace,
        udev=udev,
        modules=modules,
    )
    try:
        code = _TIERS[via](request)
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
