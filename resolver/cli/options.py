"""Options and arguments of several commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from resolver.cli.invocation import Invocation
from resolver.errors import UsageError
from resolver.linux import TIMEOUT_S
from resolver.suggest import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = [
    "OneOf",
    "as_json",
    "changing",
    "common",
    "devices",
    "dry_run",
    "kept_option",
    "kernel",
]

Command = TypeVar("Command", bound=Callable[..., Any])


# Common options are also valid before the name of the command.
def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value and parameter.name:
        setattr(context.ensure_object(Invocation), parameter.name, value)


def kept_option(*names: str, **attributes: Any) -> Callable[[Command], Command]:
    """Declare an option that the invocation keeps."""
    return click.option(*names, **attributes, callback=_keep, expose_value=False)


def common(command: Command) -> Command:
    """Add the options of every command."""
    command = kept_option(
        "-v", "--verbose", "is_verbose", is_flag=True, help="Print details to stderr."
    )(command)
    return kept_option(
        "--root",
        metavar="DIR",
        type=click.Path(),
        help="Read the files of another host below DIR [default: /].",
    )(command)


kernel = kept_option(
    "--kernel",
    metavar="RELEASE",
    help="Use the aliases of kernel RELEASE [default: the running kernel].",
)
as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document."
)
dry_run = click.option(
    "--dry-run",
    "is_dry_run",
    is_flag=True,
    help="Show what would change, and change nothing.",
)


def changing(verb: str) -> Callable[[Command], Command]:
    """Add the options of a command that changes devices.

    The command receives them as one ``options`` argument, and ``as_json``.

    :param verb: verb of the help texts: ``Bind``.
    """

    def changing(command: Command) -> Command:
        @wraps(command)
        def with_options(*arguments: Any, **values: Any) -> Any:
            # Costs a tenth of the start of a command that changes nothing.
            from resolver.options import Options

            names = ("is_dry_run", "is_forced", "is_atomic", "jobs", "timeout_s")
            chosen = {name: values.pop(name) for name in names}
            return command(*arguments, options=Options(**chosen), **values)

        for add in (as_json, dry_run, *_changing_options(verb)):
            with_options = add(with_options)
        return with_options  # type: ignore[return-value]  # it is called as the command is

    return changing


def _changing_options(verb: str) -> Iterator[Callable[[Command], Command]]:
    yield click.option(
        "--jobs",
        metavar="N",
        type=click.IntRange(1, 256),
        default=24,  # as in resolver.changes.many, which costs too much to import
        show_default=True,
        help=f"{verb} up to N IOMMU groups in parallel.",
    )
    yield click.option(
        "--atomic",
        "is_atomic",
        is_flag=True,
        help=f"{verb} all devices or none: if one fails, roll back the others.",
    )
    yield click.option(
        "--timeout",
        "timeout_s",
        metavar="SECONDS",
        type=click.FloatRange(min=0, min_open=True, max=86_400),
        default=int(TIMEOUT_S),
        show_default=True,
        help="Wait at most SECONDS for a driver, module or lock.",
    )
    yield click.option(
        "--force",
        "is_forced",
        is_flag=True,
        help=f"{verb} devices even if they are in use.",
    )


class OneOf(click.Choice):  # type: ignore[type-arg]  # not generic before click 8.2
    """One of a few words; an error suggests the closest one."""

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        """Return the word.

        :raises UsageError: it is not one of the words.
        """
        words = [str(word) for word in self.choices]
        if value not in words:
            name = param.opts[0] if param else "value"
            raise UsageError(
                f"invalid {name} {value!r}",
                hint=did_you_mean(str(value), words, f"use {', '.join(words)}"),
            )
        return value


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
