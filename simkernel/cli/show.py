"""``simkernel show``: a scenario, or a file of its host."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from simkernel.cli.arguments import (
    ScenarioName,
    parsed_settings,
    settings_option,
    title_of,
)

if TYPE_CHECKING:
    from simkernel.host.host import Host

__all__ = ["show"]


_EXAMPLES = """\b
Examples:
  simkernel show --yaml mlx5_vfio_pci
  simkernel show --svg --set vfs=8 mlx5_vfio_pci > host.svg
  simkernel show mlx5_vfio_pci /sys/bus/pci/devices
"""


def _form(name: str, text: str) -> Callable[..., Callable[..., None]]:
    return click.option(f"--{name}", "form", flag_value=name, help=text)


@click.command(epilog=_EXAMPLES)
@click.argument("scenario", type=ScenarioName())
@click.argument("path", required=False)
@_form("yaml", "Print the rendered scenario [default if stdout is no terminal].")
@_form("tree", "Draw buses and devices as a tree [default on a terminal].")
@_form("dot", "Print IOMMU groups and drivers as a Graphviz graph.")
@_form("svg", "Print IOMMU groups and drivers as an SVG picture.")
@click.option("--events", is_flag=True, help="Print the uevents of the host's boot.")
@settings_option
def show(
    scenario: str,
    path: str | None,
    form: str | None,
    events: bool,
    settings: tuple[str, ...],
) -> None:
    """Show a scenario as text or picture, or a file of its host.

    SCENARIO is a name from `simkernel list` or the path of a file. PATH is a file or
    directory below /sys, /proc or /dev of its host.
    """
    values = parsed_settings(settings)
    if (path is not None) + events + (form is not None) > 1:
        raise click.UsageError(
            "PATH, --events and the formats (--yaml, --tree, ...) exclude each other"
        )
    if path is not None:
        from simkernel.host.content import read_path

        click.echo(read_path(_host(scenario, values), path), nl=False)
    elif events:
        for event in _host(scenario, values).kernel.uevents.events:
            click.echo(str(event))
    elif form == "yaml" or (form is None and not sys.stdout.isatty()):
        _print_rendered(scenario, values)
    else:
        _draw(scenario, form or "tree", _host(scenario, values))


def _host(scenario: str, values: dict[str, str]) -> Host:
    from simkernel.host.boot import boot_host
    from simkernel.scenario.render import load

    return boot_host(load(scenario, values), source=scenario)


def _print_rendered(scenario: str, values: dict[str, str]) -> None:
    from simkernel.scenario.render import find, render

    template = find(scenario)
    click.echo(f"# {template.description}")
    for name, parameter in template.parameters.items():
        click.echo(f"# --set {name}={parameter.default}  {parameter.description}")
    click.echo(render(template, values), nl=False)


def _draw(scenario: str, form: str, host: Host) -> None:
    from simkernel.drawing.topology import topology

    title = title_of(scenario)
    if form == "dot":
        from simkernel.drawing.dot import dot

        click.echo(dot(title, topology(host.kernel)), nl=False)
    elif form == "svg":
        from simkernel.drawing.svg import svg

        click.echo(svg(title, topology(host.kernel)), nl=False)
    else:
        from simkernel.drawing.tree import print_tree

        print_tree(title, topology(host.kernel))
