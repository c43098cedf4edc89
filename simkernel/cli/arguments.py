"""What the subcommands have in common: how a scenario and its settings are named."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["ScenarioName", "parsed_settings", "settings_option", "title_of"]

_SUFFIX = ".yaml.j2"
"""What the files of scenarios end in."""


class ScenarioName(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
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


settings_option = click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="Give a parameter of the scenario a value; may be repeated.",
)


def parsed_settings(settings: tuple[str, ...]) -> dict[str, str]:
    """Return the values of ``--set`` by name.

    :raises click.UsageError: one is not of the form ``NAME=VALUE``.
    """
    values = {}
    for word in settings:
        name, equals, value = word.partition("=")
        if not equals:
            raise click.UsageError(f"--set {word}: write NAME=VALUE")
        values[name] = value
    return values


def title_of(scenario: str) -> str:
    """Return what a scenario is called: of a path, the last name without its end."""
    return scenario.rpartition("/")[2].removesuffix(_SUFFIX)
