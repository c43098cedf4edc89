"""Options and arguments that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from resolver.cli.invocation import Invocation

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = [
    "as_json",
    "changing",
    "common",
    "devices",
    "dry_run",
    "kept_option",
    "kernel",
]

Command = TypeVar("Command", bound=Callable[..., Any])


# Options that every command has may stand before its name, too.
def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value and parameter.name:
        setattr(context.ensure_object(Invocation), parameter.name, value)


def kept_option(*names: str, **attributes: Any) -> Callable[[Command], Command]:
    """Declare an option whose value is kept in the invocation."""
    return click.option(*names, **attributes, callback=_keep, expose_value=False)


def common(command: Command) -> Command:
    """Add what every command has."""
    command = kept_option(
        "-v", "--verbose", "is_verbose", is_flag=True, help="Say more on stderr."
    )(command)
    return kept_option(
        "--root",
        metavar="DIR",
        type=click.Path(),
        help="Look at the host captured in DIR instead of this one.",
    )(command)


kernel = kept_option("--kernel", metavar="RELEASE", help="Aliases of this kernel.")
as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document."
)
dry_run = click.option(
    "--dry-run", "is_dry_run", is_flag=True, help="Only say what would be done."
)


def _many(command: Command) -> Command:
    command = click.option(
        "--jobs",
        metavar="N",
        type=click.IntRange(1, 256),
        help="Devices of so many IOMMU groups at a time.",
    )(command)
    return click.option(
        "--atomic",
        "is_atomic",
        is_flag=True,
        help="All devices or none: if one fails, the others are put back.",
    )(command)


def _safety(command: Command) -> Command:
    command = click.option(
        "--timeout",
        "timeout_s",
        metavar="SECONDS",
        type=click.FloatRange(min=0, min_open=True, max=86_400),
        help="Wait so long for a driver, a module or another resolver (30).",
    )(command)
    return click.option(
        "--force",
        "is_forced",
        is_flag=True,
        help="Take devices that are in use, too.",
    )(command)


def changing(command: Command) -> Command:
    """Add the options of a command that changes devices.

    The command receives them as one ``options`` argument, and ``as_json``.
    """

    @wraps(command)
    def with_options(*arguments: Any, **values: Any) -> Any:
        # Costs a tenth of the start of a command that changes nothing.
        from resolver.options import Options

        names = ("is_dry_run", "is_forced", "is_atomic", "jobs", "timeout_s")
        chosen = {name: values.pop(name) for name in names}
        given = {name: value for name, value in chosen.items() if value is not None}
        return command(*arguments, options=Options(**given), **values)

    for add in (as_json, dry_run, _many, _safety):
        with_options = add(with_options)
    return with_options  # type: ignore[return-value]  # it is called as the command is


def devices(*, required: bool) -> Callable[[Command], Command]:
    """Declare the words that name devices."""
    return click.argument(
        "devices",
        metavar="DEVICE..." if required else "[DEVICE...]",
        nargs=-1,
        required=required,
        shell_complete=_complete_devices,
    )


def _complete_devices(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from resolver.cli.completion import devices

    return devices(context.ensure_object(Invocation).host(), incomplete)
