"""``simkernel shell``: a person on the host of a scenario."""

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
The host of {name}, on the fakefs tier: this Python process is on it.
open(), os and pathlib see its files, subprocess.run(["modprobe", ...]) acts on its
kernel; sim.kernel looks and interferes, sim.tree() compares. Ctrl-D leaves."""


@click.command()
@click.option(
    "--via",
    type=click.Choice(["auto", "fakefs", "fuse"]),
    default="auto",
    show_default=True,
    help="fuse: a shell, in which any program runs; fakefs: a Python prompt; auto: "
    "fuse, if this machine allows it.",
)
@settings_option
@click.argument("scenario", type=ScenarioName())
def shell(via: str, settings: tuple[str, ...], scenario: str) -> None:
    """Open an interactive shell on the host of a scenario.

    Its exit code is that of its last command.
    """
    values = parsed_settings(settings)
    if via == "auto":
        via = _best_tier()
    if via == "fuse":
        sys.exit(_on_fuse(scenario, values))
    _on_fakefs(scenario, values)


def _best_tier() -> str:
    """Return fuse if this machine allows it; else say why not, and return fakefs."""
    from simkernel.testing.fuse_tier import missing

    reason = missing()
    if reason:
        click.echo(f"no shell, but a Python prompt: {reason}", err=True)
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
        # A start file of the user's own would set another prompt.
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
    """Have Python's prompt name the scenario while the block runs."""
    before = getattr(sys, "ps1", None)
    sys.ps1 = f"[{title}] >>> "
    try:
        yield
    finally:
        if before is None:
            del sys.ps1
        else:
            sys.ps1 = before
