"""``simkernel show``."""

from __future__ import annotations

import click

from simkernel.cli.scenarios import ScenarioName, parsed_settings, settings_option

__all__ = ["show"]


@click.command()
@click.argument("scenario", type=ScenarioName())
@click.argument("path", required=False)
@click.option("--events", is_flag=True, help="Print the uevents of the host's start.")
@settings_option
def show(
    scenario: str, path: str | None, events: bool, settings: tuple[str, ...]
) -> None:
    """Show a scenario, rendered; or a file or directory of its host.

    PATH is one such as /sys/bus/pci/drivers.
    """
    from simkernel.scenario.build import build
    from simkernel.scenario.look import look
    from simkernel.scenario.render import find, load, render

    values = parsed_settings(settings)
    if events:
        host = build(load(scenario, values), source=scenario)
        for event in host.kernel.uevents.events:
            click.echo(str(event))
        return
    if path is not None:
        host = build(load(scenario, values), source=scenario)
        click.echo(look(host, path), nl=False)
        return
    template = find(scenario)
    click.echo(f"# {template.description}")
    for name, parameter in template.parameters.items():
        click.echo(f"# --set {name}={parameter.default}  {parameter.description}")
    click.echo(render(template, values), nl=False)
