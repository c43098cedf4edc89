"""``simkernel run``: a command on the host of a scenario."""

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
    """The arguments of the command line."""

    scenario: str
    settings: dict[str, str]
    command: tuple[str, ...]
    kernel: str | None
    """Release of an installed kernel, or its beginning; None: not given."""
    trace: Path | None
    """File for the trace; None: no trace."""
    udev: bool
    """Run this machine's udevd on the simulated host."""
    modules: Path | None
    """Module directory of a real kernel; None: the scenario's."""

    def host(self) -> Host:
        """Boot the simulated host."""
        from simkernel.host.boot import boot_host
        from simkernel.scenario.render import load

        scenario = load(self.scenario, self.settings)
        host = boot_host(scenario, source=self.scenario)
        if self.modules is not None:
            host.modules_dir = str(self.modules.resolve())
        return host


def _on_fakefs(request: _Request) -> int:
    from simkernel.fronts.fakefs.run import run as run_on_fakefs
    from simkernel.fronts.tracing.trace import Trace

    host = request.host()
    with nullcontext() if request.trace is None else Trace(request.trace) as trace:
        return run_on_fakefs(host, request.command, trace)


def _on_vm(request: _Request) -> int:
    from simkernel.fronts.vm.run import run as run_on_vm
    from simkernel.fronts.vm.scenario.select_kernel import kernel_for, load_for

    kernel = kernel_for(request.scenario, request.settings, request.kernel)
    scenario = load_for(request.scenario, request.settings, kernel.release)
    with ProgressLine(sys.stderr) as line:
        return run_on_vm(
            scenario,
            request.command,
            kernel=kernel,
            progress=line.show,
            note=line.note,
        )


def _on_fuse(request: _Request) -> int:
    from simkernel.fronts.fuse.run import run as run_on_fuse
    from simkernel.fronts.fuse.sandbox.left_out import left_out
    from simkernel.fronts.tracing.trace import Trace

    def boot() -> Host:
        host = request.host()
        with ProgressLine(sys.stderr) as line:
            for text in left_out(host):
                line.note(text)
        return host

    with nullcontext() if request.trace is None else Trace(request.trace) as trace:
        return run_on_fuse(boot, request.command, trace, udev=request.udev)


_TIERS: dict[str, Callable[[_Request], int]] = {
    "fakefs": _on_fakefs,
    "fuse": _on_fuse,
    "vm": _on_vm,
}
"""Function of each tier that runs a command and returns its exit code."""


_EXAMPLES = """\b
Examples:
  simkernel run mlx5_vfio_pci -- resolver bind 0000:3b:00.2
  simkernel run --set vfs=2 mlx5_vfio_pci -- python mytool.py
  simkernel run --via fuse mlx5_vfio_pci -- lspci -k
  simkernel run --via vm --kernel 6.12 ./myhost.yaml.j2 -- resolver devices
"""


@click.command(context_settings={"allow_interspersed_args": False}, epilog=_EXAMPLES)
@click.option(
    "--via",
    type=click.Choice(list(_TIERS)),
    default="fakefs",
    show_default=True,
    help="Run on this tier. fakefs: Python commands; fuse: any command; vm: any "
    "command, on a real kernel in QEMU.",
)
@click.option(
    "--kernel",
    metavar="RELEASE",
    help="With --via vm: boot this installed kernel, such as 6.1 [default: the "
    "scenario's series, else the newest].",
)
@click.option(
    "--record-trace",
    "trace",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write each file operation of the command to FILE, as JSON Lines [default: no "
    "trace].",
)
@click.option(
    "--udev",
    is_flag=True,
    help="With --via fuse: run this machine's udevd on the simulated host, with a "
    "private network and /dev [default: no udevd].",
)
@click.option(
    "--modules-dir",
    "modules",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Show DIR, a real kernel's module directory, as /lib/modules/RELEASE "
    "[default: generated from the scenario].",
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
    """Run a command on the simulated host of a scenario.

    SCENARIO is a name from `simkernel list` or the path of a file. COMMAND is an
    installed Python command, or python and a script; with --via fuse and --via vm, any
    command. The exit code is that of COMMAND.
    """
    words = command[1:] if command[0] == "--" else command
    if not words:
        raise click.UsageError("no command after --")
    if kernel is not None and via != "vm":
        raise click.UsageError(f"--kernel requires --via vm, not --via {via}")
    if udev and via != "fuse":
        raise click.UsageError(f"--udev requires --via fuse, not --via {via}")
    if modules is not None and via == "vm":
        raise click.UsageError(
            "--modules-dir does not apply to --via vm: the guest has its own modules"
        )
    if trace is not None and via == "vm":
        raise click.UsageError(
            "--record-trace does not apply to --via vm: run strace in the guest"
        )
    request = _Request(
        scenario=scenario,
        settings=parsed_settings(settings),
        command=words,
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
