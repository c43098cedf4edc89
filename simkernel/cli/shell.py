"""``simkernel shell``: a shell on the host of a scenario."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from simkernel.cli.arguments import (
    ScenarioName,
    parsed_settings,
    settings_option,
    title_of,
)

__all__ = ["shell"]

_BANNER = """\
Python prompt on the host of {name} (fakefs tier).
open(), os and pathlib see the files of that host. subprocess.run(["modprobe", ...])
acts on its kernel. sim.kernel injects faults, sim.tree() compares. Ctrl-D exits."""

_EXAMPLES = """\b
Examples:
  simkernel shell mlx5_vfio_pci
  simkernel shell --via fakefs --set vfs=2 mlx5_vfio_pci
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--via",
    type=click.Choice(["auto", "fakefs", "fuse"]),
    default="auto",
    show_default=True,
    help="fuse: open a shell that runs any program; fakefs: open a Python prompt; "
    "auto: fuse if it works here, else fakefs.",
)
@settings_option
@click.argument("scenario", type=ScenarioName())
def shell(via: str, settings: tuple[str, ...], scenario: str) -> None:
    """Open a shell on the simulated host of a scenario.

    SCENARIO is a name from `simkernel list` or the path of a file. The exit code is
    that of the last command in the shell.
    """
    values = parsed_settings(settings)
    if via == "auto":
        via = _best_tier()
    if via == "fuse":
        sys.exit(_on_fuse(scenario, values))
    _on_fakefs(scenario, values)


def _best_tier() -> str:
    """Return fuse, or print a reason and return fakefs."""
    from simkernel.testing.fuse_tier import missing

    reason = missing()
    if reason:
        click.echo(f"simkernel: Python prompt instead of a shell: {reason}", err=True)
    return "fakefs" if reason else "fuse"


def _on_fuse(scenario: str, values: dict[str, str]) -> int:
    from simkernel.fronts.fuse.run import run
    from simkernel.host.boot import boot_host
    from simkernel.scenario.render import load

    host = boot_host(load(scenario, values), source=scenario)
    prompt = rf"[{title_of(scenario)} \w]\$ "
    os.environ["SIMKERNEL_SCENARIO"] = title_of(scenario)
    bash = shutil.which("bash")
    if bash is None:
        os.environ["PS1"] = prompt.replace(r" \w", "").replace(r"\$", "#")
        return run(lambda: host, ["/bin/sh", "-i"])
    with tempfile.NamedTemporaryFile("w", prefix="simkernel-") as start:
        # ~/.bashrc may set another prompt, so it runs first.
        start.write(f"[ -r ~/.bashrc ] && . ~/.bashrc\nPS1={shlex.quote(prompt)}\n")
        start.flush()
        return run(lambda: host, [bash, "--rcfile", start.name, "-i"])


def _on_fakefs(scenario: str, values: dict[str, str]) -> None:
    import code

    from simkernel.testing.sim import Sim

    with suppress(ImportError):
        import readline  # noqa: F401  # it gives the prompt history and editing

    title = title_of(scenario)
    with Sim(scenario, values, via="fakefs") as sim, sim.inside(), _prompt(title):
        code.interact(
            banner=_BANNER.format(name=title),
            exitmsg="",
            local={"sim": sim, "os": os, "Path": sys.modules["pathlib"].Path},
        )


@contextmanager
def _prompt(title: str) -> Iterator[None]:
    """Put the scenario's name into Python's prompt."""
    before = getattr(sys, "ps1", None)
    sys.ps1 = f"[{title}] >>> "
    try:
        yield
    finally:
        if before is None:
            del sys.ps1
        else:
            sys.ps1 = before
