"""``simkernel list``: the scenarios that ship with simkernel."""

from __future__ import annotations

import click

__all__ = ["list_command"]


_EXAMPLES = """\b
Examples:
  simkernel list
  simkernel list --json
"""


@click.command("list", epilog=_EXAMPLES)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print names, descriptions and parameters as JSON [default: a table].",
)
def list_command(as_json: bool) -> None:
    """List the scenarios that ship with simkernel."""
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
