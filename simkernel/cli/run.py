"""``simkernel run``: a program on the host of a scenario, by tier."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simkernel.cli.scenarios import ScenarioName, parsed_settings, settings_option

if TYPE_CHECKING:
    from simkernel.scenario.host import Host

__all__ = ["run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What was asked for on the command line."""

    scenario: str
    settings: dict[str, str]
    words: tuple[str, ...]
    trace: Path | None
    """File for what the command does; None: nobody wants to know."""


def _on_fakefs(request: _Request) -> int:
    from simkernel.fronts.fakefs.run import run as run_on_fakefs
    from simkernel.fronts.trace import Trace
    from simkernel.scenario.build import build
    from simkernel.scenario.render import load

    scenario = load(request.scenario, request.settings)
    host = build(scenario, source=request.scenario)
    with nullcontext() if request.trace is None else Trace(request.trace) as trace:
        return run_on_fakefs(host, request.words, trace)


def _on_fuse(request: _Request) -> int:
    from simkernel.fronts.fuse.run import run as run_on_fuse
    from simkernel.scenario.build import build
    from simkernel.scenario.render import load

    def make() -> Host:
        scenario = load(request.scenario, request.settings)
        return build(scenario, source=request.scenario)

    return run_on_fuse(make, request.words)


_TIERS: dict[str, Callable[[_Request], int]] = {
    "fakefs": _on_fakefs,
    "fuse": _on_fuse,
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
    "--record-trace",
    "trace",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write every operation of the command on the host's files, as JSON lines.",
)
@settings_option
@click.argument("scenario", type=ScenarioName())
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
def run(
    via: str,
    trace: Path | None,
    settings: tuple[str, ...],
    scenario: str,
    command: tuple[str, ...],
) -> None:
    """Run a program on the host of a scenario.

    COMMAND is an installed Python command, or python and a script; with --via fuse, any
    command. The exit code is the command's.
    """
    words = command[1:] if command[0] == "--" else command
    if not words:
        raise click.UsageError("name a command after --")
    values = parsed_settings(settings)
    request = _Request(
        scenario=scenario, settings=values, words=words, trace=trace
    )
    sys.exit(_TIERS[via](request))
