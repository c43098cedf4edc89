"""Arguments that several subcommands share."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["ScenarioName", "parsed_settings", "settings_option", "title_of"]

_SUFFIX = ".yaml.j2"
"""Suffix of scenario files."""


class ScenarioName(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
    """Name of an installed scenario, or path of a scenario file."""

    name = "scenario"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        """Complete the names of installed scenarios."""
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
    help="Set a parameter of the scenario. May be repeated. [default: the scenario's]",
)


def parsed_settings(settings: tuple[str, ...]) -> dict[str, str]:
    """Return the values of ``--set`` by parameter name.

    :raises click.UsageError: a value is not of the form ``NAME=VALUE``.
    """
    values = {}
    for word in settings:
        name, equals, value = word.partition("=")
        if not equals:
            raise click.UsageError(f"invalid --set {word}: not of the form NAME=VALUE")
        values[name] = value
    return values


def title_of(scenario: str) -> str:
    """Return the name of a scenario, without folder and suffix."""
    return scenario.rpartition("/")[2].removesuffix(_SUFFIX)
