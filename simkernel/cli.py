"""The ``simkernel`` command: list, show and run scenarios."""

from __future__ import annotations

import sys
from typing import Any

import click

from simkernel.errors import ScenarioError, SimkernelError

__all__ = ["main"]


class _Scenario(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
    """The name of a scenario, or the path of one."""

    name = "scenario"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        """Complete the names of the scenarios that come with simkernel."""
        from click.shell_completion import CompletionItem

        from simkernel.scenario.render import installed

        return [
            CompletionItem(one) for one in installed() if one.startswith(incomplete)
        ]


_SETTINGS = click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="Give a parameter of the scenario a value; may be repeated.",
)


def _parsed(settings: tuple[str, ...]) -> dict[str, str]:
    values = {}
    for word in settings:
        name, equals, value = word.partition("=")
        if not equals:
            raise click.UsageError(f"--set {word}: write NAME=VALUE")
        values[name] = value
    return values


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="simkernel")
def cli() -> None:
    """A kernel to test driver-binding tools on, without hardware."""


@cli.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
def list_command(as_json: bool) -> None:
    """List the scenarios that come with simkernel."""
    from simkernel.scenario.render import find, installed

    templates = [find(name) for name in installed()]
    if as_json:
        import json

        rows = [
            {
                "name": one.name,
                "description": one.description,
                "parameters": {
                    key: {"default": value.default, "description": value.description}
                    for key, value in one.parameters.items()
                },
            }
            for one in templates
        ]
        click.echo(json.dumps({"schema": "simkernel/1", "scenarios": rows}, indent=2))
        return
    width = max((len(one.name) for one in templates), default=0)
    for one in templates:
        click.echo(f"{one.name:<{width}}  {one.description}")


@cli.command()
@click.argument("scenario", type=_Scenario())
@click.argument("path", required=False)
@click.option("--events", is_flag=True, help="Print the uevents of the host's start.")
@_SETTINGS
def show(
    scenario: str, path: str | None, events: bool, settings: tuple[str, ...]
) -> None:
    """Show a scenario, rendered; or a file or directory of its host.

    PATH is one such as /sys/bus/pci/drivers.
    """
    from simkernel.scenario.build import build
    from simkernel.scenario.look import look
    from simkernel.scenario.render import find, load, render

    if events:
        host = build(load(scenario, _parsed(settings)), source=scenario)
        for event in host.kernel.uevents.events:
            click.echo(str(event))
        return
    if path is not None:
        host = build(load(scenario, _parsed(settings)), source=scenario)
        click.echo(look(host, path), nl=False)
        return
    template = find(scenario)
    click.echo(f"# {template.description}")
    for name, parameter in template.parameters.items():
        click.echo(f"# --set {name}={parameter.default}  {parameter.description}")
    click.echo(render(template, _parsed(settings)), nl=False)


@cli.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.option(
    "--via",
    type=click.Choice(["fakefs"]),
    default="fakefs",
    show_default=True,
    help="Which kernel the command runs on.",
)
@_SETTINGS
@click.argument("scenario", type=_Scenario())
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
def run(
    via: str, settings: tuple[str, ...], scenario: str, command: tuple[str, ...]
) -> None:
    """Run a Python program on the simulated host of a scenario.

    COMMAND is an installed Python command, or python and a script. The exit code is
    the command's.
    """
    from simkernel.fronts.fakefs.run import run as run_on_fakefs
    from simkernel.scenario.build import build
    from simkernel.scenario.render import load

    words = command[1:] if command[0] == "--" else command
    if not words:
        raise click.UsageError("name a command after --")
    host = build(load(scenario, _parsed(settings)), source=scenario)
    sys.exit(run_on_fakefs(host, words))


def main() -> None:
    """Run the command line; every expected error becomes a message and exit code 2."""
    try:
        cli(prog_name="simkernel")
    except ScenarioError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except SimkernelError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
